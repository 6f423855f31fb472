import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import type { ProbeSelf } from '../../src/contracts/path-probe.ts';
import { parseAddress } from '../../src/core/address.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { KernelThread, type ThreadUser } from '../../src/host/kernel-thread.ts';
import { newProbeKey } from '../../src/host/probe-keys.ts';
import type { FromWorker } from '../../src/host/worker-messages.ts';
import { eventually } from '../../src/lab/eventually.ts';
import { enclosed } from '../lab/enclosed.ts';

const self: ProbeSelf = {
  node: parseNodeId('near'),
  incarnation: 1,
  base: parseAddress('10.42.1.0'),
  network: parseSubnet('10.42.0.0/16'),
  subnetLength: 24,
  port: 8286,
  paths: [],
};

class User extends EventEmitter implements ThreadUser {
  onMessage(message: FromWorker): void {
    this.emit(message.kind, message);
  }

  onFailure(error: Error): void {
    this.emit('failure', error);
  }
}

/** What came of it: the refusal's words, or none. */
async function listen(thread: KernelThread, user: User): Promise<string | undefined> {
  const answered = once(user, 'probe-listening');
  thread.post({ kind: 'probe-listen', self, privateKey: newProbeKey(), firstSequence: 0 });
  const [{ refused }] = (await answered) as [Extract<FromWorker, { kind: 'probe-listening' }>];
  return refused?.call;
}

/** More than its heap may hold. */
const tooMuch = (): (readonly [number, string])[] => Array.from({ length: 1_500_000 }, (_, at) => [at, `mac ${at}`]);

enclosed(import.meta.url, () => {
  test('a worker that dies of its heap leaves no port taken: the next one listens', async (t) => {
    // The worker must not be all that holds the test.
    const hold = setInterval(() => undefined, 1000);
    t.after(() => clearInterval(hold));
    const thread = new KernelThread(0);
    const user = new User();
    await thread.join(user);
    assert.equal(await listen(thread, user), undefined);

    const second = new KernelThread(0);
    const other = new User();
    await second.join(other);
    assert.match((await listen(second, other)) ?? '', /bind\(udp port 8286\)/);

    const failed = once(user, 'failure');
    thread.post({ kind: 'expect', expected: [{ link: 1, neighbours: tooMuch(), forwarding: [] }] });
    const [error] = (await failed) as [Error & { readonly code?: string }];
    assert.equal(error.code, 'ERR_WORKER_OUT_OF_MEMORY');
    await eventually(
      'the port is free',
      10_000,
      async () => {
        const refused = await listen(second, other);
        return refused === undefined ? { found: true } : { missing: refused };
      },
      t.signal,
    );
    second.leave(other);
  });
});
