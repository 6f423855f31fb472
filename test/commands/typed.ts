/** A command as a person types it, against a store in memory: what it printed, and how it ended. */
import { errorText, exitCodeOf } from '../../src/commands/error-text.ts';
import { chooseCommand } from '../../src/commands/command-line.ts';
import { ACTIONS } from '../../src/commands/actions.ts';
import { readOptions, splitArguments } from '../../src/commands/read-arguments.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

export interface Typed {
  readonly out: string;
  readonly err: string;
  readonly exit: number;
}

export class Terminal {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly store = new MemoryStore(this.network, this.clock, new SeededRandom(1));
  readonly records = new MemoryRecords(this.network);
  made = false;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #version: string;
  readonly #actions: typeof ACTIONS;

  /** @param instead of what a command does with the world */
  constructor(
    environment: Readonly<Record<string, string>> = { FLANNELD_STORE: 'memory://test' },
    version = '1.2.3',
    instead: Partial<typeof ACTIONS> = {},
  ) {
    this.#environment = environment;
    this.#version = version;
    this.#actions = { ...ACTIONS, ...instead };
  }

  async type(line: string, input = ''): Promise<Typed> {
    let [out, err] = ['', ''];
    const io = {
      out: (text: string) => void (out += text),
      err: (text: string) => void (err += text),
      input: async () => input,
    };
    try {
      const split = splitArguments(line.split(' ').filter((word) => word !== ''));
      const chosen = chooseCommand(split.words, split.help);
      if (chosen.what === 'help') return { out: chosen.text, err, exit: 0 };
      const options = readOptions(chosen.name, split, this.#environment);
      if (chosen.name === 'run' || chosen.name === 'lab') throw new Error(`${chosen.name} is a program of its own`);
      const signal = new AbortController().signal;
      const exit = await this.#actions[chosen.name]({
        options,
        operands: chosen.operands,
        environment: {},
        io,
        version: this.#version,
        clock: this.clock,
        signal,
        openStore: async () => this.#opened(),
      });
      return { out, err, exit };
    } catch (error) {
      return { out, err: err + errorText(error), exit: exitCodeOf(error) };
    }
  }

  #opened() {
    const create = async (): Promise<boolean> => {
      const first = !this.made;
      this.made = true;
      return first;
    };
    return {
      kind: 'memory',
      identity: 'memory://test',
      store: this.store,
      records: this.records,
      seenWithinMs: 0,
      create,
      close: () => undefined,
    };
  }
}
