/** What is true in a world, as text and as rules, told by the test and not by the code under test. */
import assert from 'node:assert/strict';
import type { MadeCall } from '../fakes/fake-cloud.ts';
import { MUTATING } from '../fakes/fake-cloud.ts';
import { readLedger } from '../../src/core/ledger.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { ReconcilerWorld } from './reconciler-world.ts';

/** Routes, ledger, leases, freed subnets and what was told to the cloud: all that two ways to one end must agree about. */
export function worldState(world: ReconcilerWorld): string[] {
  const { network, cloud } = world;
  return [
    ...cloud.text.map((line) => `route ${line}`),
    ...ledgerText(world).map((line) => `row ${line}`),
    ...[...network.leases.values()].map(({ lease, node }) => `lease ${lease.subnet.v4} ${node} epoch ${lease.epoch}`),
    ...[...network.freed.values()].map(({ subnet, node }) => `freed ${subnet.v4} of ${node}`),
    ...[...cloud.forwarding].map((target) => `forwards ${target}`),
    ...cloud.completed.map(({ instance, token }) => `completed ${instance} ${token}`),
    ...[...(network.records.get('writer')?.values() ?? [])].map(({ value }) => `writer ${JSON.stringify(value)}`),
    ...[...(network.records.get('waiting')?.keys() ?? [])].map((key) => `waiting ${key}`),
  ].toSorted();
}

/** "rtb-a 10.32.1.0/24 eni-1 committed epoch 1 generation 0", sorted. */
export function ledgerText({ network }: ReconcilerWorld): string[] {
  return [...readLedger(network.records.get('ledger')?.values() ?? []).values()]
    .map(({ key, row }) =>
      row === undefined
        ? `${key} unreadable`
        : `${row.table} ${row.destination} ${row.target} ${row.state} epoch ${row.epoch} generation ${row.generation}`,
    )
    .toSorted();
}

export const changing = ({ cloud }: ReconcilerWorld): readonly MadeCall[] =>
  cloud.made.filter(({ call }) => MUTATING.has(call));

/** "create rtb-a 10.32.1.0/24 eni-1", in order. */
export const changes = (world: ReconcilerWorld): string[] => changing(world).map(({ call, what }) => `${call} ${what}`);

export interface Expected {
  /** "rtb-a 10.32.1.0/24 eni-1", sorted. */
  readonly routes: readonly string[];
  /** "rtb-a 10.32.1.0/24": wanted, and without room. */
  readonly overflow: readonly string[];
}

export interface OracleNode {
  readonly destination: string;
  readonly target: string;
  readonly subnet: string;
  readonly table: string;
}

export interface OracleTable {
  readonly id: string;
  readonly limit: number;
  /** "10.32.1.0/24 igw-1": routes that are not ours, which stay and count. */
  readonly foreign: readonly string[];
  /** Destinations whose right route stood before: first among equals. */
  readonly standing: ReadonlySet<string>;
}

/** What ought to stand when everything has come to rest: by who sends to whom, counted out pair by pair. */
export function expectedRoutes(nodes: readonly OracleNode[], tables: readonly OracleTable[]): Expected {
  const routes: string[] = [];
  const overflow: string[] = [];
  for (const { id, limit, foreign, standing } of tables) {
    const taken = new Set(foreign.map((line) => line.split(' ')[0] ?? ''));
    const wished: { readonly node: OracleNode; readonly senders: number }[] = [];
    for (const node of nodes) {
      let senders = 0;
      for (const peer of nodes) if (peer.table === id && peer.subnet !== node.subnet) senders += 1;
      if (senders > 0 && !taken.has(node.destination)) wished.push({ node, senders });
    }
    const order = wished.toSorted(
      (a, b) =>
        b.senders - a.senders ||
        Number(standing.has(b.node.destination)) - Number(standing.has(a.node.destination)) ||
        (a.node.destination < b.node.destination ? -1 : 1),
    );
    const room = limit - foreign.length;
    for (const [at, { node }] of order.entries())
      if (at < room) routes.push(`${id} ${node.destination} ${node.target}`);
      else overflow.push(`${id} ${node.destination}`);
    for (const line of foreign) routes.push(`${id} ${line}`);
  }
  return { routes: routes.toSorted(), overflow: overflow.toSorted() };
}

/** Watches a world from now on: routes that must not be missed for a moment, and those that nobody of us may name. */
export class Watch {
  readonly #world: ReconcilerWorld;
  readonly #foreign: ReadonlySet<string>;
  readonly #standing: ReadonlySet<string>;
  readonly #broken: string[] = [];

  /** Both as "rtb-a 10.32.1.0/24". */
  constructor(world: ReconcilerWorld, foreign: Iterable<string>, standing: Iterable<string>) {
    this.#world = world;
    this.#foreign = new Set(foreign);
    this.#standing = new Set(standing);
  }

  /** To be called after each call to the cloud. */
  look(): void {
    const { tables } = this.#world.cloud;
    for (const place of this.#standing) {
      const [table = '', destination = ''] = place.split(' ');
      if (tables.get(table)?.routes.has(parseSubnet(destination)) !== true) this.#broken.push(`${place} was missing`);
    }
  }

  broken(what: string): void {
    this.#broken.push(what);
  }

  check(): void {
    for (const { call, what } of changing(this.#world))
      if (this.#foreign.has(placeOf(what))) this.#broken.push(`${call} ${what} names what is not ours`);
    assert.deepEqual(this.#broken, []);
  }
}

const placeOf = (line: string): string => line.split(' ').slice(0, 2).join(' ');
