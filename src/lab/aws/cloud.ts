/** One emulated account: its state in time, its settings, credentials, journal and faults. What servers and the kernel share. */
import { AccountClock } from './account-clock.ts';
import { CallFaults } from './call-faults.ts';
import { Credentials } from './credentials.ts';
import { Events, stateChange, type EventListener, type EventOrigin } from './events.ts';
import { AttachedPolicies } from './iam/attached.ts';
import { FOLLOWING, follow, forget, isGone, order, showTargets } from './instances.ts';
import { interfacesOf } from './interfaces.ts';
import { Journal } from './journal.ts';
import { MetadataFaults } from './metadata-faults.ts';
import type { AwsState, Damage, InstanceState } from './model.ts';
import { ALLOW_ALL, type Authorizer } from './permissions.ts';
import { followGroups } from './scaling-life.ts';
import { DEFAULT_SETTINGS, type AwsSettings } from './settings.ts';
import { Throttle } from './throttle.ts';
import { Timeline, type LabClock } from './timeline.ts';

export const ACCOUNT = '123456789012';

export interface CloudOptions {
  readonly state: AwsState;
  readonly clock: LabClock;
  readonly region: string;
  readonly settings?: Partial<AwsSettings>;
}

export class EmulatedAws {
  readonly region: string;
  readonly clock: AccountClock;
  readonly timeline: Timeline;
  readonly credentials: Credentials;
  readonly journal = new Journal();
  /** Calls of DynamoDB that came to the gate: apart, for they are many. */
  readonly storeJournal = new Journal();
  readonly faults = new CallFaults();
  readonly metadataFaults = new MetadataFaults();
  readonly throttle: Throttle;
  readonly origin: EventOrigin;
  readonly events: Events;
  settings: AwsSettings;
  /** What a person forbids or allows by hand, above all policies. */
  authorizer: Authorizer = ALLOW_ALL;
  readonly policies = new AttachedPolicies();

  constructor({ state, clock, region, settings = {} }: CloudOptions) {
    this.region = region;
    this.clock = new AccountClock(clock);
    this.settings = { ...DEFAULT_SETTINGS, ...settings };
    this.timeline = new Timeline(state, this.clock);
    this.credentials = new Credentials(() => this.now());
    this.throttle = new Throttle(this.clock);
    this.origin = { account: ACCOUNT, region, now: () => this.now() };
    this.events = new Events(this.origin);
    this.timeline.onChange((next, before) => this.#tellStates(before, next));
    followGroups(this);
  }

  get state(): AwsState {
    return this.timeline.state;
  }

  /** Milliseconds since 1970 by this account's own clock. */
  now(): number {
    return this.clock.wallTime() + this.settings.clockOffsetMs;
  }

  /** The write of a call: others see it after the delay that is set at this moment. */
  write(change: (state: AwsState) => AwsState): void {
    this.timeline.change(change, this.settings.visibilityMs);
  }

  /** Puts the account's clock on; what is due on the way happens in its order and at its time. */
  advance(ms: number): void {
    const until = this.clock.now() + ms;
    for (let at = this.timeline.nextAt; at !== undefined && at <= until; at = this.timeline.nextAt) {
      this.clock.jump(Math.max(0, at - this.clock.now()));
      this.timeline.settle();
    }
    this.clock.jump(until - this.clock.now());
  }

  orderInstance(id: string, wish: 'start' | 'stop' | 'terminate'): void {
    const before = this.state.instances.get(id)?.state;
    const targets = interfacesOf(this.state, id).map((it) => it.id);
    this.write((state) => order(state, id, wish));
    const after = this.state.instances.get(id)?.state;
    if (after !== undefined && after !== before) this.#followUp(id, after, targets);
  }

  /** Takes an interface from its instance; its routes turn to black holes, in the API after the set delay. */
  changeTargets(ids: readonly string[], change: (state: AwsState) => AwsState): void {
    this.write(change);
    this.timeline.later(this.settings.blackholeShownMs, (state) => showTargets(state, ids));
  }

  /** What happens to packets and no API shows. */
  setDamage(change: (damage: Damage) => Damage): void {
    this.timeline.change((state) => ({ ...state, damage: change(state.damage) }));
  }

  /** What EventBridge would be handed from now on (events.ts). @returns how to stop. */
  onEvent(listener: EventListener): () => void {
    return this.events.listen(listener);
  }

  close(): void {
    this.timeline.close();
  }

  /** Whoever changed it. */
  #tellStates(before: AwsState, next: AwsState): void {
    if (before.instances === next.instances) return;
    for (const { id, state } of next.instances.values())
      if (before.instances.get(id)?.state !== state) this.events.tell(stateChange(this.origin, id, state));
  }

  #followUp(id: string, entered: InstanceState, targets: readonly string[]): void {
    if (FOLLOWING[entered] === undefined) return;
    this.timeline.later(this.#lasts(entered), (state) => {
      const next = follow(state, id, entered);
      const now = next.instances.get(id)?.state;
      if (next !== state && now !== undefined) this.#show(now, targets);
      if (now === 'terminated') this.timeline.quietly(this.settings.terminatedShownMs, (later) => forget(later, id));
      return next;
    });
  }

  #show(reached: InstanceState, targets: readonly string[]): void {
    const lagMs = isGone(reached) ? this.settings.blackholeShownMs : 0;
    this.timeline.later(lagMs, (state) => showTargets(state, targets));
  }

  #lasts(state: InstanceState): number {
    const { pendingMs, stoppingMs, shuttingDownMs } = this.settings;
    return state === 'pending' ? pendingMs : state === 'stopping' ? stoppingMs : shuttingDownMs;
  }
}
