/** The rights that docs/operating.md tells operators to give: enough for a host, and no more. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { Etcd3 } from 'etcd3';
import { openEtcdStore, type EtcdStore } from '../../providers/etcd/open-store.ts';
import { DEFAULT_PREFIX } from '../../providers/etcd/url.ts';
import type { RecordKind } from '../../src/contracts/records.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import {
  attributes,
  flanneldValue,
  HOUR,
  never,
  node,
  publicIP,
  range,
  rejectsWith,
  wish,
} from '../contract/store-world.ts';
import { readDocument } from '../docs/tables.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { Certificates, type Signed } from './certificates.ts';
import { EtcdServer, whyNoEtcd, type ServerOptions } from './etcd-server.ts';
import { subnet } from './ground.ts';
import { Observer } from './observer.ts';

const signal = never();
const [a, b, c] = [node('a'), node('b'), node('c')];
const PASSWORD = 'open-sesame';
const KINDS: readonly RecordKind[] = [
  'reservation',
  'ledger',
  'writer',
  'audit',
  'lock',
  'budget',
  'expiry',
  'waiting',
  'leaving',
  'run',
  'challenge',
];

/** The lines of the document's recipe. */
function recipe(): readonly string[] {
  const [, block = ''] =
    /test\/etcd\/role\.test\.ts[^\n]*\n```sh\n([^`]*)```/.exec(readDocument('docs/operating.md')) ?? [];
  const lines = block.trim().split('\n');
  assert.ok(lines.length > 3 && lines.every((line) => line.startsWith('etcdctl ')), block);
  return lines;
}

/** Ended when the test file is done, also where a test has failed. */
const opened: { close(): unknown }[] = [];
function open(url: string, password?: string): EtcdStore {
  const given = password === undefined ? {} : { password };
  const store = openEtcdStore(url, { clock: new SystemClock(), random: new SeededRandom(1), ...given });
  opened.push(store);
  return store;
}
async function start(options: ServerOptions = {}): Promise<EtcdServer> {
  const server = await EtcdServer.start(options);
  opened.push({ close: () => server.stop() });
  return server;
}
function openRaw(...options: ConstructorParameters<typeof Etcd3>): Etcd3 {
  const raw = new Etcd3(...options);
  opened.push(raw);
  return raw;
}
after(async () => {
  await Observer.stopAll();
  for (const it of opened) await it.close();
});

/** Everything that a host does in the store, and what it may not. */
async function livesAsAHost({ store, records }: EtcdStore, raw: Etcd3): Promise<void> {
  await raw.put(`${DEFAULT_PREFIX}/config`).value('{"Network":"10.42.0.0/16"}');
  const observer = new Observer(store);
  await observer.until('the config', ({ config }) => config !== undefined);
  const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
  const second = await store.claim(wish(b, { range: range(3, 2) }), signal);
  await observer.until('both', ({ leases }) => leases.size === 2);
  assert.equal((await store.claim(wish(a, { previous: subnet(1) }), signal)).how, 'adopted');
  await store.release(await store.renew(lease, attributes(a, 2), HOUR, signal), signal);
  await observer.until('that one is gone', ({ leases }) => leases.size === 1);
  await rejectsWith('NO_SUBNET', store.claim(wish(c, { range: range(1) }), signal));
  // A recycled address: deleted, and made anew.
  const foreign = raw.lease(86_400, { autoKeepAlive: false });
  await foreign.put(`${DEFAULT_PREFIX}/subnets/10.42.9.0-24`).value(flanneldValue(publicIP(9)));
  const recycled = await store.claim(wish(c, { publicIP: publicIP(9) }), signal);
  assert.deepEqual([recycled.how, recycled.lease.key], ['created', '10.42.9.0-24']);
  await observer.until('it too', ({ leases }) => leases.get(recycled.lease.key)?.attributes.weft !== undefined);
  await store.release(second.lease, signal);
  for (const kind of KINDS) {
    const { version } = await records.put(kind, 'some/key', { a: 1 }, 'absent', signal);
    assert.equal((await records.list(kind, signal)).records.size, 1);
    await records.remove(kind, 'some/key', version, signal);
  }
  assert.equal((await records.list('held', signal)).records.size, 3);
  assert.equal(await records.add('calls', 2, signal), 2);
  assert.deepEqual(observer.troubles, []);
  await observer.stop();
  await rejectsWith('STORE_DENIED', store.writeConfig('{}', undefined, signal));
}

describe('the rights that the documents give to hosts', { skip: whyNoEtcd('openssl', 'etcdctl') ?? false }, () => {
  let certificates: Certificates;
  let root: Signed;
  before(() => {
    certificates = new Certificates();
    root = certificates.sign('root');
  });
  after(() => certificates.remove());

  /** As an operator types them, who is asked for a password where he gives none. */
  function type(lines: readonly string[], endpoint: string, more: readonly string[] = []): void {
    for (const line of lines) {
      const asks = line.includes('user add') && !line.includes('--no-password') ? ['--interactive=false'] : [];
      const [program = '', ...words] = [...line.split(' '), ...asks, ...more];
      const env = { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: endpoint };
      execFileSync(program, words, { env, input: `${PASSWORD}\n`, stdio: ['pipe', 'ignore', 'pipe'] });
    }
  }
  const MAKE_ROOT = ['etcdctl user add root', 'etcdctl user grant-role root root'];

  it('are enough for all that one does, with a password, and no more', async () => {
    const server = await start();
    type([...recipe(), ...MAKE_ROOT, 'etcdctl auth enable'], server.endpoint);
    const raw = openRaw({ hosts: server.endpoint, auth: { username: 'root', password: PASSWORD } });
    await livesAsAHost(open(`etcd://${server.endpoint}?username=weft`, PASSWORD), raw);
    const elsewhere = open(`etcd://${server.endpoint}/other?username=weft`, PASSWORD);
    await rejectsWith('STORE_DENIED', elsewhere.store.claim(wish(a), signal));
  });

  it('are those of a host that shows a certificate with the name of the user', async () => {
    const { cert, key } = certificates.sign('server');
    const asking = ['--client-cert-auth', '--trusted-ca-file', certificates.ca];
    const flags = ['--cert-file', cert, '--key-file', key, ...asking];
    const server = await start({ scheme: 'https', flags });
    const asRoot = ['--cacert', certificates.ca, '--cert', root.cert, '--key', root.key];
    const nameless = recipe().map((line) => line.replace(/user add \w+$/, '$& --no-password'));
    const lines = [...nameless, ...MAKE_ROOT, 'etcdctl auth enable'];
    type(lines, server.endpoint, asRoot);
    const credentials = certificates.contents(root);
    const raw = openRaw({ hosts: `https://${server.endpoint}`, credentials });
    const host = certificates.sign('weft');
    const tls = (shown: Signed): string => `cafile=${certificates.ca}&certfile=${shown.cert}&keyfile=${shown.key}`;
    await livesAsAHost(open(`etcd://${server.endpoint}?${tls(host)}`), raw);
    const stranger = open(`etcd://${server.endpoint}?${tls(certificates.sign('stranger'))}`);
    await rejectsWith('STORE_DENIED', stranger.store.config(signal));
  });
});
