/** The suite that every PathProbe passes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PathProbe, ProbeOutcome, ProbeTarget } from '../../src/contracts/path-probe.ts';
import type { PathName } from '../../src/core/path.ts';
import { never, rejectsWith } from './store-world.ts';

/** Two hosts that two paths join, and a third without Weft. */
export interface ProbeWorld {
  readonly mine: PathProbe;
  readonly peer: PathProbe;
  /** Two paths that work, in both directions. */
  readonly paths: readonly [PathName, PathName];
  /** How `mine` addresses its peer, and the peer it. */
  target(path: PathName): ProbeTarget;
  self(path: PathName): ProbeTarget;
  /** The host without Weft. */
  plain(path: PathName): ProbeTarget;
  /** Packets of a path get no more from mine to the peer, or back. */
  breakPath(direction: 'out' | 'back', path: PathName): Promise<void>;
  /** The peer is switched off. */
  stopPeer(): Promise<void>;
  /** Something is sent to the peer's subnet, other than by the probe. */
  sendTraffic(): Promise<void>;
  close(): Promise<void>;
}

const signal = never();

export function pathProbeContract(probeName: string, makeWorld: () => Promise<ProbeWorld>): void {
  const test = (name: string, work: (world: ProbeWorld) => Promise<void>): void => {
    it(name, async () => {
      const world = await makeWorld();
      try {
        await work(world);
      } finally {
        await world.close();
      }
    });
  };

  /** Asks once, and waits for what comes of it. */
  async function ask(probe: PathProbe, target: ProbeTarget): Promise<ProbeOutcome> {
    const stop = new AbortController();
    const outcomes = probe.outcomes(stop.signal)[Symbol.asyncIterator]();
    const coming = outcomes.next();
    await probe.ask(target, signal);
    const { value, done } = await coming;
    stop.abort();
    await outcomes.return?.();
    assert.ok(done !== true, 'the outcomes ended');
    return value;
  }

  const meet = ({ mine, peer, target, self, paths: [first] }: ProbeWorld): void => {
    mine.serve([target(first)]);
    peer.serve([self(first)]);
  };

  describe(`probes by ${probeName}`, () => {
    test('a path that carries is heard, and its round trip is known', async (world) => {
      meet(world);
      const [path] = world.paths;
      const { rttMs, ...outcome } = await ask(world.mine, world.target(path));
      assert.deepEqual(outcome, { subnet: world.target(path).subnet, path, verdict: 'heard' });
      assert.ok(rttMs !== undefined && rttMs >= 0);
    });

    test('a path that does not carry is missed, as the peer says over another', async (world) => {
      meet(world);
      await world.breakPath('out', world.paths[0]);
      assert.equal((await ask(world.mine, world.target(world.paths[0]))).verdict, 'missed');
      assert.equal((await ask(world.mine, world.target(world.paths[1]))).verdict, 'heard');
    });

    test('a fault of the way back is not blamed on the way out', async (world) => {
      meet(world);
      await world.breakPath('back', world.paths[0]);
      const { verdict, rttMs } = await ask(world.mine, world.target(world.paths[0]));
      assert.deepEqual([verdict, rttMs], ['heard', undefined]);
    });

    test('a peer that is off is silent', async (world) => {
      meet(world);
      await world.stopPeer();
      assert.equal((await ask(world.mine, world.target(world.paths[0]))).verdict, 'silent');
    });

    test('a stranger gets no answer', async (world) => {
      world.peer.serve([]);
      assert.equal((await ask(world.mine, world.target(world.paths[0]))).verdict, 'silent');
      meet(world);
      assert.equal((await ask(world.mine, world.target(world.paths[0]))).verdict, 'heard');
    });

    test('a peer without Weft answers an echo', async (world) => {
      assert.equal((await ask(world.mine, world.plain(world.paths[0]))).verdict, 'heard');
    });

    test('knows where traffic goes, which its own requests are not', async (world) => {
      meet(world);
      const target = world.target(world.paths[0]);
      await ask(world.mine, target);
      assert.deepEqual([...(await world.mine.active(signal))], []);
      await world.sendTraffic();
      assert.deepEqual([...(await world.mine.active(signal))], [target.subnet]);
    });

    test('ends when it is told to, and gives up with ABORTED where the caller does', async (world) => {
      for await (const _ of world.mine.outcomes(AbortSignal.abort())) assert.fail('an outcome after the end');
      await rejectsWith('ABORTED', world.mine.ask(world.target(world.paths[0]), AbortSignal.abort()));
      await rejectsWith('ABORTED', world.mine.active(AbortSignal.abort()));
    });
  });
}
