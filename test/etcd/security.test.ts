/** Who may speak to etcd, and to which etcd we speak: TLS, client certificates, users. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Etcd3, Range } from 'etcd3';
import { openEtcdStore, type EtcdStore, type OpenOptions } from '../../providers/etcd/open-store.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { attributes, HOUR, never, node, rejectsWith, wish } from '../contract/store-world.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { Certificates, type Signed } from './certificates.ts';
import { EtcdServer, whyNoEtcd } from './etcd-server.ts';
import { subnet } from './ground.ts';
import { Observer, until } from './observer.ts';

const signal = never();
const [a, b] = [node('a'), node('b')];

/** Closed when the test file is done. */
const opened: EtcdStore[] = [];
function open(url: string, options: Partial<OpenOptions> = {}): EtcdStore {
  const store = openEtcdStore(url, {
    clock: new SystemClock(),
    random: new SeededRandom(1),
    callTimeoutMs: 3000,
    ...options,
  });
  opened.push(store);
  return store;
}
after(() => opened.forEach(({ close }) => close()));

describe('TLS to etcd', { skip: whyNoEtcd('openssl') ?? false }, () => {
  let certificates: Certificates;
  let server: EtcdServer;
  let strict: EtcdServer;
  let client: Signed;
  before(async () => {
    certificates = new Certificates();
    client = certificates.sign('client');
    const { cert, key } = certificates.sign('server');
    const flags = ['--cert-file', cert, '--key-file', key];
    server = await EtcdServer.start({ scheme: 'https', flags });
    const asking = ['--client-cert-auth', '--trusted-ca-file', certificates.ca];
    strict = await EtcdServer.start({ scheme: 'https', flags: [...flags, ...asking] });
  });
  after(async () => {
    await server.stop();
    await strict.stop();
    certificates.remove();
  });

  it('is spoken with the CA alone, which flannel ignores', async () => {
    const { store } = open(`etcd://${server.endpoint}/ca?cafile=${certificates.ca}`);
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    const observer = new Observer(store);
    await observer.until('the view', ({ leases }) => leases.has(lease.key));
    await observer.stop();
  });

  it('is refused to a server that the CA has not signed, and says what to look at', async () => {
    const other = new Certificates();
    const error = await rejectsWith(
      'STORE_UNREACHABLE',
      open(`etcd://${server.endpoint}/ca?cafile=${other.ca}`).store.config(signal),
    );
    assert.match(error.message, /certificate/i);
    assert.match(error.hint ?? '', /CA file/);
    await rejectsWith('STORE_UNREACHABLE', open(`etcd://${server.endpoint}/ca?tls=true`).store.config(signal));
    other.remove();
  });

  it('names no address to the server as if it were a name, of which Node would warn, and holds the certificate against it', async () => {
    const program = path.resolve('dist/weftd.mjs');
    const get = (endpoint: string): string => {
      const words = ['config', 'get', '--store', `etcd://${endpoint}/none?cafile=${certificates.ca}`];
      return spawnSync(process.execPath, [program, ...words], { encoding: 'utf8' }).stderr;
    };
    assert.match(get(server.endpoint), /^weftd: CONFIG_MISSING: [^\n]*\n[^\n]*\n$/);
    const { cert, key } = certificates.sign('elsewhere', 'DNS:etcd.example');
    const misnamed = await EtcdServer.start({ scheme: 'https', flags: ['--cert-file', cert, '--key-file', key] });
    assert.match(get(misnamed.endpoint), /STORE_UNREACHABLE: .*127\.0\.0\.1/);
    await misnamed.stop();
  });

  it('is refused to a server whose certificate is for another name', async () => {
    const { cert, key } = certificates.sign('elsewhere', 'DNS:etcd.example');
    const misnamed = await EtcdServer.start({ scheme: 'https', flags: ['--cert-file', cert, '--key-file', key] });
    const { store } = open(`etcd://${misnamed.endpoint}/ca?cafile=${certificates.ca}`);
    const error = await rejectsWith('STORE_UNREACHABLE', store.config(signal));
    assert.match(error.message, /altnames|127\.0\.0\.1/);
    await misnamed.stop();
  });

  it('shows the client\u2019s certificate to a server that asks for one', async () => {
    const url = `etcd://${strict.endpoint}/mtls?cafile=${certificates.ca}`;
    const { store } = open(`${url}&certfile=${client.cert}&keyfile=${client.key}`);
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    await store.renew(lease, attributes(a), HOUR, signal);
    await rejectsWith('STORE_UNREACHABLE', open(url).store.config(signal));
  });

  it('is not tried without', async () => {
    await rejectsWith('STORE_UNREACHABLE', open(`etcd://${server.endpoint}/ca`).store.config(signal));
  });
});

/** root, and one who may do what he likes below /flannel/. */
async function makeUsers({ endpoint }: EtcdServer): Promise<void> {
  const raw = new Etcd3({ hosts: endpoint });
  await raw.role('root').create();
  await (await raw.user('root').create('secret')).addRole('root');
  const role = await raw.role('flannel').create();
  await role.grant({ permission: 'Readwrite', range: Range.prefix('/flannel/') });
  await (await raw.user('flannel').create('open sesame')).addRole('flannel');
  raw.close();
}

describe('users of etcd', { skip: whyNoEtcd('openssl') ?? false }, () => {
  let certificates: Certificates;
  let server: EtcdServer;
  let passwordFile: string;
  before(async () => {
    certificates = new Certificates();
    passwordFile = path.join(certificates.folder, 'password');
    writeFileSync(passwordFile, 'open sesame\n');
    server = await EtcdServer.start();
    await makeUsers(server);
  });
  after(async () => {
    await server.stop();
    certificates.remove();
  });
  const url = (prefix = '/flannel'): string =>
    `etcd://${server.endpoint}${prefix}?username=flannel&passwordfile=${passwordFile}`;

  it('are not asked for while authentication is off: a name that is given does no harm', async () => {
    const { store } = open(url());
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    const observer = new Observer(store);
    await observer.until('the view', ({ leases }) => leases.size === 1);

    // From here on it is on: who is at work goes on, now by name.
    const raw = new Etcd3({ hosts: server.endpoint });
    await raw.auth.authEnable();
    raw.close();
    await store.renew(lease, attributes(a), HOUR, signal);
    await store.claim(wish(b, { previous: subnet(2) }), signal);
    await observer.until('what came after', ({ leases }) => leases.size === 2);
    await observer.stop();
  });

  it('are let in with their password, and their watch goes on when a restarted server has forgotten who they are', async () => {
    const { store, records } = open(url());
    const observer = new Observer(store);
    await observer.until('the view', ({ leases }) => leases.size === 2);
    await server.kill();
    await until('the observer to hear of it', () => observer.troubles.length > 0);
    await server.run();
    await store.claim(wish(node('c'), { previous: subnet(3) }), signal);
    await observer.until('what came after', ({ leases }) => leases.size === 3);
    assert.equal(observer.told.at(-1), 'ok');
    assert.equal((await records.list('ledger', signal)).records.size, 0);
    await observer.stop();
  });

  it('with a wrong password, or none, or elsewhere, are told that they may not', async () => {
    const wrong = open(`etcd://${server.endpoint}/flannel?username=flannel`, { password: 'guess' });
    const error = await rejectsWith('STORE_DENIED', wrong.store.config(signal));
    assert.match(error.message, /authentication failed/);
    assert.match(error.hint ?? '', /password/);
    await rejectsWith('STORE_DENIED', open(`etcd://${server.endpoint}/flannel`).store.config(signal));
    const elsewhere = open(url('/other'));
    await rejectsWith('STORE_DENIED', elsewhere.store.claim(wish(a), signal));
    const observer = new Observer(elsewhere.store);
    await until('the observer to hear of it', () => observer.told.includes('STORE_DENIED'));
    await observer.stop();
  });

  it('whose token grew old when somebody\u2019s rights were changed get a new one', async () => {
    const pair = certificates.keyPair();
    const token = `jwt,pub-key=${pair.public},priv-key=${pair.private},sign-method=RS256,ttl=10m`;
    const other = await EtcdServer.start({ flags: ['--auth-token', token] });
    await makeUsers(other);
    const raw = new Etcd3({ hosts: other.endpoint });
    await raw.auth.authEnable();
    raw.close();
    const { store } = open(`etcd://${other.endpoint}/flannel?username=flannel&passwordfile=${passwordFile}`);
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    const observer = new Observer(store);
    await observer.until('the view', ({ leases }) => leases.size === 1);
    const root = new Etcd3({ hosts: other.endpoint, auth: { username: 'root', password: 'secret' } });
    await root.user('guest').create('guest');
    root.close();
    await store.renew(lease, attributes(a, 2), HOUR, signal);
    await observer.until('the renewal', ({ leases }) => leases.get(lease.key)?.attributes.weft?.incarnation === 2);
    await observer.stop();
    await other.stop();
  });
});
