/** Hints: none of another hand's doings is lost, none of our own is told, however many there are. */
import assert from 'node:assert/strict';
import type { HostHint, HostNetwork } from '../../src/contracts/host-network.ts';

import {
  base,
  direct,
  forwarding,
  link,
  loopback,
  make,
  neighbour,
  never,
  puts,
  refusal,
  removes,
  replaces,
  scope,
  standby,
  tunnel,
  type HostWorld,
} from './host-world.ts';

type World = (title: string, body: (world: HostWorld) => Promise<void>) => void;

const DEADLINE_MS = 20_000;

/** Reads hints as they come, and ends with the test. */
class Ear {
  readonly #stop = new AbortController();
  readonly #hints: AsyncIterator<HostHint>;

  constructor(host: HostNetwork) {
    this.#hints = host.hints(this.#stop.signal)[Symbol.asyncIterator]();
  }

  /** Waiting for the kernel does not hold a process, so the deadline does; and no test waits for ever. */
  async next(): Promise<HostHint> {
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      deadline = setTimeout(() => reject(new Error(`no hint in ${DEADLINE_MS / 1000} s`)), DEADLINE_MS);
    });
    try {
      const { value, done } = await Promise.race([this.#hints.next(), late]);
      assert.notEqual(done, true);
      return value;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** All up to the one that is waited for, each kind once. */
  async until(hint: HostHint): Promise<HostHint[]> {
    const heard = new Set<HostHint>();
    while (!heard.has(hint)) heard.add(await this.next());
    return [...heard];
  }

  async end(): Promise<void> {
    this.#stop.abort();
    let result = await this.#hints.next();
    while (result.done !== true) result = await this.#hints.next();
  }
}

/** The host as a running daemon has it: looked at once, and listened to. */
async function listening(host: HostNetwork): Promise<Ear> {
  await host.uplink({ interfaces: [], patterns: [] }, never());
  const peers = [forwarding(8), neighbour(8), tunnel(8), direct(9), standby(direct(8))];
  await make(host, puts(refusal, link, base, loopback, ...peers));
  await host.observe(scope, never());
  const ear = new Ear(host);
  assert.equal(await ear.next(), 'everything', 'what changed before is unknown');
  return ear;
}

export function hostHintsContract(world: World): void {
  const told = (title: string, expected: HostHint, act: (hand: HostWorld['hand']) => void): void =>
    world(`hints at ${expected} when another hand ${title}`, async ({ host, hand }) => {
      const ear = await listening(host);
      act(hand);
      await ear.until(expected);
      await ear.end();
    });

  told('removes a route of ours', 'routes', (hand) => hand.remove(tunnel(8)));
  told('replaces a route of ours', 'routes', (hand) => hand.set({ ...direct(9), mtuBytes: 1300 }));
  told('removes a neighbour', 'neighbours', (hand) => hand.remove(neighbour(8)));
  told('removes a forwarding entry', 'neighbours', (hand) => hand.remove(forwarding(8)));
  told('changes a forwarding entry', 'neighbours', (hand) =>
    hand.set({ ...forwarding(8), remote: forwarding(99).remote }),
  );
  told('adds a forwarding entry', 'neighbours', (hand) => hand.set(forwarding(50)));
  told('removes an address', 'addresses', (hand) => hand.remove(loopback));
  told('removes a route that stands by', 'routes', (hand) => hand.remove(standby(direct(8))));
  told('removes the refusal of what has no route', 'routes', (hand) => hand.remove(refusal));
  told('removes our device', 'everything', (hand) => hand.remove(link));

  world('tells nothing of what it does itself', async ({ host, hand }) => {
    const ear = await listening(host);
    const many = Array.from({ length: 60 }, (_, i) => i + 100);
    await make(host, puts(...many.flatMap((n) => [forwarding(n), neighbour(n), tunnel(n)])));
    await make(host, replaces(forwarding(8), { ...forwarding(8), remote: forwarding(99).remote }));
    await make(host, replaces(tunnel(8), direct(8)));
    await make(host, [...puts(standby(tunnel(8)), refusal), ...removes(standby(direct(8)))]);
    hand.remove(direct(9));
    assert.deepEqual(await ear.until('routes'), ['routes']);
    await make(host, removes(...many.flatMap((n) => [tunnel(n), neighbour(n), forwarding(n)])));
    hand.remove(refusal);
    assert.deepEqual(await ear.until('routes'), ['routes']);
    await ear.end();
  });

  world('tells one reader as well as another, and ends with the signal', async ({ host, hand }) => {
    const first = await listening(host);
    const second = new Ear(host);
    assert.equal(await second.next(), 'everything');
    hand.remove(tunnel(8));
    await Promise.all([first.until('routes'), second.until('routes')]);
    await first.end();
    hand.remove(refusal);
    await second.until('routes');
    await second.end();
  });
}
