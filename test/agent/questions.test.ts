import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Told } from '../../src/contracts/supervisor.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { COUNTER_BYTES, DROPPED, placeOfSlot, readCounters } from '../../src/core/tunnel-counters.ts';
import { Cluster, three, type Member } from './cluster.ts';

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'weft-agent-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

function ask(socketPath: string, where: string, method = 'GET'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path: where, method, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asking.on('error', reject);
    asking.end();
  });
}

/** The socket is made on the way, by the real system. */
async function listening(socketPath: string): Promise<void> {
  for (;;) {
    const there = await new Promise((resolve) => {
      const socket = connect(socketPath, () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (there) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('answers while it still waits for its config, and is told to drain', async (t) => {
  const socketPath = path.join(await folderOf(t), 'control.sock');
  const cluster = new Cluster();
  const { config } = cluster.network;
  cluster.network.config = undefined;
  const a = cluster.member('a', '192.168.0.1', { controlSocket: socketPath }).start();
  await listening(socketPath);
  await cluster.settle();
  assert.equal((await ask(socketPath, '/healthz')).status, 200);
  const waiting = await ask(socketPath, '/readyz');
  assert.equal(waiting.status, 503);
  assert.match(waiting.body, /^no lease yet\n(.*\n)*CONFIG_MISSING: /);
  cluster.network.config = config;
  await cluster.pass(10_000);
  assert.equal((await ask(socketPath, '/readyz')).status, 200);
  assert.equal((await ask(socketPath, '/wake', 'POST')).status, 200);
  const drained = ask(socketPath, '/drain', 'POST');
  while (a.agent?.status().state !== 'draining') await new Promise((resolve) => setImmediate(resolve));
  await cluster.pass(12_000);
  assert.equal((await drained).status, 200);
  await a.stop();
  assert.deepEqual(a.end, { how: 'drained' });
  await assert.rejects(ask(socketPath, '/healthz'), { code: 'ENOENT' });
});

test('a port that is taken is reported and tried again; nothing else waits for it', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  assert.ok(typeof address === 'object' && address !== null);
  const health = { host: '127.0.0.1', port: address.port };
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1', { health }).start();
  t.after(() => cluster.stop());
  await cluster.pass(1000);
  assert.deepEqual([a.unready, a.findings], ['', ['BAD_OPTION']]);
  await new Promise((resolve) => other.close(resolve));
  while (a.findings.length > 0) await cluster.pass(1000);
  assert.equal(a.log.lines.filter(({ fields }) => fields['code'] === 'BAD_OPTION').length, 2);
});

test('explains a peer by node id, subnet, public IP or an address in its subnet', async () => {
  const { cluster, a } = await three();
  const signal = new AbortController().signal;
  for (const name of ['c', '10.42.3.0/24', '192.168.7.3', '10.42.3.99', '10.42.3.0-24']) {
    const explanation = await a.agent?.explain(name, signal);
    assert.equal(explanation?.subnet, '10.42.3.0/24', name);
    assert.deepEqual(explanation.paths, [
      { path: 'direct', verdict: 'refused', why: '192.168.7.3 is not on the link of eth0 (192.168.0.0/24)' },
      { path: 'vxlan', verdict: 'taken', why: 'good' },
    ]);
    assert.deepEqual(explanation.mtu, { result: 1450, overhead: 50, mine: 1450, theirs: 1450, between: undefined });
    assert.deepEqual(
      explanation.entries.map(({ stands }) => stands),
      [true, true, true],
    );
  }
  assert.equal((await a.agent?.explain('b', signal))?.paths[1]?.verdict, 'usable');
  assert.equal(await a.agent?.explain('nobody', signal), undefined);
  await cluster.stop();
});

const metric = async (member: Member, name: string): Promise<string> =>
  ((await member.agent?.metrics())?.body ?? '')
    .split('\n')
    .filter((line) => line.startsWith(name))
    .join('\n');

test('metrics say what status says', async () => {
  const { cluster, a } = await three();
  assert.equal(await metric(a, 'weft_ready'), 'weft_ready 1');
  assert.equal(
    await metric(a, 'weft_peers'),
    'weft_peers{path="direct"} 1\nweft_peers{path="fabric"} 0\nweft_peers{path="vxlan"} 1\nweft_peers{path="udp"} 0\nweft_peers{path="extension"} 0\nweft_peers{path="none"} 0',
  );
  assert.equal(
    await metric(a, 'weft_lease_state'),
    ['starting 0', 'held 1', 'unsure 0', 'fenced 0', 'draining 0']
      .map((line) => `weft_lease_state{state="${line.replace(' ', '"} ')}`)
      .join('\n'),
  );
  assert.equal(await metric(a, 'weft_store_reachable'), 'weft_store_reachable 1');
  assert.match(await metric(a, 'process_resident_memory_bytes'), /^process_resident_memory_bytes \d{7,}$/);
  const body = (await a.agent?.metrics())?.body ?? '';
  assert.ok(
    body
      .split('\n')
      .every(
        (line) => line === '' || line.startsWith('#') || /^(weft|process)_[a-z_]+(\{.*\})? [0-9.e+-]+$/.test(line),
      ),
  );
  await cluster.stop();
});

test('metrics name the peers of which the tunnel has seen anything, and no others of the thousands in its table', async () => {
  const { cluster, a } = await three();
  const counters = new Float64Array(COUNTER_BYTES / 8);
  const slots = new Map([2, 3, 4].map((n) => [parseSubnet(`10.42.${n}.0/24`), n]));
  counters[placeOfSlot(3) + DROPPED] = 7;
  a.tunnelCounters = () => readCounters(counters, slots);
  assert.equal(
    await metric(a, 'weft_udp_peer_packets_total'),
    ['sent"} 0', 'received"} 0', 'dropped"} 7']
      .map((rest) => `weft_udp_peer_packets_total{subnet="10.42.3.0/24",way="${rest}`)
      .join('\n'),
  );
  await cluster.stop();
});

test('whoever asks for health, or waits for a sign of life, has no counters read', async () => {
  const { cluster, a } = await three();
  a.tunnelCounters = () => assert.fail('they were read');
  let alive = 0;
  await a.stop();
  const tell = (told: Told): boolean => {
    if (told.alive === true) alive += 1;
    return true;
  };
  a.supervisor = { watchdogMs: 1000, tell };
  a.start();
  await cluster.pass(10_000);
  assert.ok(alive > 1);
  await cluster.stop();
});
