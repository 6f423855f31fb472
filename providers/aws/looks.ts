/**
 * Route tables as they were read a moment ago, with what this process has written since. Whoever changes two hundred routes in a row need not read
 * the table before each: a look is trusted for as long as he says.
 */
import type { RouteTable } from '@aws-sdk/client-ec2';
import type { Clock } from '../../src/contracts/clock.ts';
import type { CloudRoute } from '../../src/core/cloud-route.ts';
import { parseSubnet, type Subnet } from '../../src/core/subnet.ts';
import { readTables } from './read-tables.ts';

interface Look {
  /** When it was asked for. */
  readonly at: number;
  readonly routes: Map<Subnet, CloudRoute>;
}

const ALL = parseSubnet('0.0.0.0/0');

export class Looks {
  readonly #clock: Clock;
  readonly #trustedMs: number;
  readonly #byTable = new Map<string, Look>();

  /** @param trustedMs 0: none is trusted, and none is kept. */
  constructor(clock: Clock, trustedMs: number) {
    this.#clock = clock;
    this.#trustedMs = trustedMs;
  }

  keep(answers: readonly RouteTable[], at: number): void {
    if (this.#trustedMs === 0) return;
    for (const { id, routes } of readTables(answers, ALL))
      this.#byTable.set(id, { at, routes: new Map(routes.map((route) => [route.destination, route])) });
  }

  /** Undefined: nothing that may be trusted is known of this table. */
  find(table: string): ReadonlyMap<Subnet, CloudRoute> | undefined {
    const look = this.#byTable.get(table);
    if (look === undefined) return undefined;
    if (this.#clock.now() - look.at < this.#trustedMs) return look.routes;
    this.#byTable.delete(table);
    return undefined;
  }

  /** @param target undefined: the route is removed. */
  wrote(table: string, destination: Subnet, target: string | undefined): void {
    const routes = this.#byTable.get(table)?.routes;
    if (target === undefined) routes?.delete(destination);
    else routes?.set(destination, { destination, target, live: true });
  }

  /** Something went otherwise than thought. */
  forget(table: string): void {
    this.#byTable.delete(table);
  }
}
