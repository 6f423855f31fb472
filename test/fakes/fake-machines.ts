/** The machines of a cloud in memory with their interfaces, as they are and, where the cloud is slow to tell, as it still shows them. */
import type { CloudInstance, InstanceState } from '../../src/contracts/cloud-inventory.ts';
import type { Clock } from '../../src/contracts/clock.ts';

export interface FakeInterface {
  readonly target: string;
  readonly network: string;
  readonly subnet: string;
  /** Undefined: it is attached to nothing. */
  instance: string | undefined;
}

export interface FakeMachine {
  state: InstanceState;
  readonly network: string;
  readonly tags: Map<string, string>;
}

export interface MachinePlan {
  readonly instance: string;
  readonly target: string;
  readonly subnet: string;
  /** `vpc-1` when absent. */
  readonly network?: string;
  /** With `weft:node` when absent. */
  readonly tags?: readonly (readonly [string, string])[];
}

interface Shown {
  readonly machines: ReadonlyMap<string, CloudInstance>;
  readonly interfaces: ReadonlyMap<string, FakeInterface>;
}

const UNKNOWN: CloudInstance = { state: 'unknown', network: undefined, tags: new Map() };

/** Stopping machines keep their interface, and their routes look alive; EC2 calls them black holes at `stopped` (AWSnycast #21). */
const CARRIES: ReadonlySet<InstanceState> = new Set<InstanceState>(['pending', 'running', 'stopping', 'shutting-down']);

export class FakeMachines {
  readonly #clock: Clock;
  readonly machines = new Map<string, FakeMachine>();
  readonly interfaces = new Map<string, FakeInterface>();
  /** How long readers see what was before. */
  lagMs = 0;
  #past: { readonly untilMs: number; readonly shown: Shown }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Is anything known of machines here? Where nothing is, any target may stand in a route. */
  get modelled(): boolean {
    return this.interfaces.size > 0;
  }

  start({ instance, target, subnet, network = 'vpc-1', tags = [['weft:node', '']] }: MachinePlan): void {
    this.#remember();
    this.machines.set(instance, { state: 'running', network, tags: new Map(tags) });
    this.interfaces.set(target, { target, network, subnet, instance });
  }

  /** A terminated machine's interfaces are deleted with it; one that is `unknown` is forgotten by the cloud. */
  turn(instance: string, state: InstanceState): void {
    this.#remember();
    const machine = this.machines.get(instance);
    if (machine === undefined) throw new Error(`no machine ${instance}`);
    machine.state = state;
    if (state === 'unknown') this.machines.delete(instance);
    if (state !== 'terminated' && state !== 'unknown') return;
    for (const [target, held] of this.interfaces) if (held.instance === instance) this.interfaces.delete(target);
  }

  /** Moves an interface to another machine; undefined: to none. */
  attach(target: string, instance: string | undefined): void {
    this.#remember();
    const held = this.interfaces.get(target);
    if (held === undefined) throw new Error(`no interface ${target}`);
    held.instance = instance;
  }

  /** Is a route to it no black hole? Undefined: it is nothing that is known here. */
  isLive(target: string): boolean | undefined {
    if (!target.startsWith('eni-') || !this.modelled) return undefined;
    const instance = this.interfaces.get(target)?.instance;
    return instance !== undefined && CARRIES.has(this.machines.get(instance)?.state ?? 'unknown');
  }

  instance(id: string): CloudInstance {
    const shown = this.#late();
    if (shown !== undefined) return shown.machines.get(id) ?? UNKNOWN;
    const machine = this.machines.get(id);
    return machine === undefined ? UNKNOWN : shownMachine(machine);
  }

  interface(target: string): FakeInterface | undefined {
    const shown = this.#late();
    return (shown === undefined ? this.interfaces : shown.interfaces).get(target);
  }

  /** Undefined: what is shown is what is. */
  #late(): Shown | undefined {
    const now = this.#clock.now();
    this.#past = this.#past.filter(({ untilMs }) => untilMs > now);
    return this.#past[0]?.shown;
  }

  #remember(): void {
    if (this.lagMs === 0) return;
    const shown: Shown = {
      machines: new Map([...this.machines].map(([id, machine]) => [id, shownMachine(machine)])),
      interfaces: new Map([...this.interfaces].map(([target, held]) => [target, { ...held }])),
    };
    this.#past.push({ untilMs: this.#clock.now() + this.lagMs, shown });
  }
}

const shownMachine = ({ state, network, tags }: FakeMachine): CloudInstance => ({
  state,
  network: state === 'terminated' ? undefined : network,
  tags: new Map(tags),
});
