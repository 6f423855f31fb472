/**
 * Nothing foreign is ever touched: every test in which Weft writes to the emulated AWS ends with this. A route is foreign when no call of ours has put it
 * there, and no test has said that the ledger knows it.
 */
import assert from 'node:assert/strict';
import type { EmulatedAws } from '../../../src/lab/aws/cloud.ts';
import { describeEntry, type JournalEntry } from '../../../src/lab/aws/journal.ts';
import type { AwsState } from '../../../src/lab/aws/model.ts';
import { trySubnet } from '../../../src/core/subnet.ts';

const ROUTE_CALLS: ReadonlySet<string> = new Set(['CreateRoute', 'ReplaceRoute', 'DeleteRoute']);

export class ForeignWatch {
  /** "TABLE DESTINATION TARGET", as calls have written it or a test has vouched for it. */
  readonly #ours = new Set<string>();
  readonly #touched: string[] = [];
  #before: AwsState;
  #now: AwsState;

  constructor(cloud: EmulatedAws) {
    this.#before = this.#now = cloud.state;
    cloud.timeline.onChange((state) => {
      this.#before = this.#now;
      this.#now = state;
    });
    const { journal } = cloud;
    const add = journal.add.bind(journal);
    journal.add = (entry) => {
      add(entry);
      this.#see(entry);
    };
  }

  /** The ledger knows this route, though no call has made it. */
  vouch(table: string, destination: string, target: string): void {
    this.#ours.add(`${table} ${destination} ${target}`);
  }

  /** Calls that named a route of another hand, whether they took effect or not. */
  get touched(): readonly string[] {
    return this.#touched;
  }

  assertNone(): void {
    assert.deepEqual(this.#touched, [], 'calls that could change something on routes that are not ours');
  }

  #see(entry: Omit<JournalEntry, 'number'>): void {
    const { action, parameters, effect } = entry;
    if (!ROUTE_CALLS.has(action)) return;
    const { RouteTableId: table = '', DestinationCidrBlock: text = '', NetworkInterfaceId: target } = parameters;
    const destination = trySubnet(text);
    if (destination === undefined) return;
    const route = (effect ? this.#before : this.#now).tables.get(table)?.routes.get(destination);
    const stood = route === undefined ? undefined : route.target.kind === 'local' ? 'local' : route.target.id;
    if (stood !== undefined && !this.#ours.has(`${table} ${destination} ${stood}`))
      this.#touched.push(`${describeEntry({ number: 0, ...entry })} (it led to ${stood})`);
    if (effect && target !== undefined) this.vouch(table, destination, target);
  }
}
