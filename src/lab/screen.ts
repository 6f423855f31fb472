/** What a person watches: steps that show how they go on, then how they ended and how long they took. */
import { isLive, padded, paintFor, widthOf, type Paint } from './paint.ts';
import type { Terminal } from './terminal.ts';

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const FRAME_MS = 80;
const WIDTH = 78;
const CLEAR_LINE = '\r\u001B[2K';

export interface Step {
  /** What it is at now. Shown on live terminals alone. */
  update(text: string): void;
  done(note?: string): void;
  failed(why: string): void;
}

export class Screen {
  readonly paint: Paint;
  readonly #terminal: Terminal;
  readonly #live: boolean;
  #timer: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal, env: Readonly<Record<string, string | undefined>>) {
    this.#terminal = terminal;
    this.#live = isLive(terminal, env);
    this.paint = paintFor(terminal, env);
  }

  line(text = ''): void {
    this.#terminal.write(`${text}\n`);
  }

  lines(texts: readonly string[]): void {
    for (const text of texts) this.line(text);
  }

  step(title: string): Step {
    const startMs = performance.now();
    let now = '';
    let frame = 0;
    const seconds = (): string => `${((performance.now() - startMs) / 1000).toFixed(2)} s`;
    const draw = (): void => {
      const spinner = this.paint('cyan', FRAMES[(frame += 1) % FRAMES.length] ?? '');
      // A line that wraps could not be written over.
      const room = (this.#terminal.columns || WIDTH) - title.length - 6;
      const text = now.length > room ? `${now.slice(0, Math.max(0, room - 1))}…` : now;
      this.#terminal.write(`${CLEAR_LINE}${spinner} ${title}  ${this.paint('dim', text)}`);
    };
    if (this.#live) {
      draw();
      this.#timer = setInterval(draw, FRAME_MS);
    }
    const end = (sign: string, note: string): void => {
      clearInterval(this.#timer);
      if (this.#live) this.#terminal.write(CLEAR_LINE);
      const whole = `${sign} ${title}  ${this.paint('dim', note)}`;
      const fits = widthOf(whole) <= WIDTH - 8;
      this.line(`${padded(fits ? whole : `${sign} ${title}`, WIDTH - 8)} ${this.paint('dim', seconds().padStart(7))}`);
      if (!fits) this.line(`    ${this.paint('dim', note)}`);
    };
    return {
      update: (text) => {
        now = text;
      },
      done: (note = '') => end(this.paint('green', '✔'), note),
      failed: (why) => {
        end(this.paint('red', '✘'), '');
        this.line(`  ${this.paint('red', why)}`);
      },
    };
  }
}
