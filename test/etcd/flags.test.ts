/** flannel's etcd options against real servers: weftd as a process, as a person types it or a unit starts it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Etcd3, Range } from 'etcd3';
import { Certificates, type Signed } from './certificates.ts';
import { EtcdServer, whyNoEtcd } from './etcd-server.ts';

/** What ships. */
const MAIN = path.resolve('dist/weftd.mjs');
const CONFIG = '{"Network":"10.42.0.0/16"}';

interface Ended {
  readonly out: string;
  readonly err: string;
  readonly exit: number | null;
}

function weftd(args: readonly string[], env: Readonly<Record<string, string>> = {}, input = ''): Ended {
  const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    input,
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  return { out: stdout, err: stderr, exit: status };
}

const get = (flags: readonly string[], env: Readonly<Record<string, string>> = {}): Ended =>
  weftd(['config', 'get', ...flags], env);
const written = { out: `${CONFIG}\n`, err: '', exit: 0 };

describe("flannel's etcd options", { skip: whyNoEtcd('openssl') ?? false }, () => {
  let certificates: Certificates;
  let client: Signed;
  let plain: EtcdServer;
  let tls: EtcdServer;
  let strict: EtcdServer;
  before(async () => {
    certificates = new Certificates();
    client = certificates.sign('client');
    const { cert, key } = certificates.sign('server');
    const flags = ['--cert-file', cert, '--key-file', key];
    plain = await EtcdServer.start();
    tls = await EtcdServer.start({ scheme: 'https', flags });
    const asking = ['--client-cert-auth', '--trusted-ca-file', certificates.ca];
    strict = await EtcdServer.start({ scheme: 'https', flags: [...flags, ...asking] });
  });
  after(async () => {
    for (const server of [plain, tls, strict]) await server.stop();
    certificates.remove();
  });

  it('lead to the key that flanneld reads, whatever the spelling of the prefix', async () => {
    const raw = new Etcd3({ hosts: plain.endpoint });
    const endpoints = `-etcd-endpoints=http://${plain.endpoint}`;
    for (const [prefix, key] of [
      [[], '/coreos.com/network/config'],
      [['-etcd-prefix=/a//b/'], '/a/b/config'],
      [['--etcd-prefix', 'relative'], 'relative/config'],
    ] as const) {
      const { exit, err } = weftd(['config', 'set', '-f', '-', endpoints, ...prefix], {}, CONFIG);
      assert.deepEqual([exit, err], [0, ''], key);
      assert.equal(await raw.get(key).string(), CONFIG);
      assert.deepEqual(get([endpoints, ...prefix]), written);
    }
    raw.close();
  });

  it('go on to the next endpoint when one does not answer', () => {
    for (const urls of [`http://127.0.0.1:1,http://${plain.endpoint}`, `http://${plain.endpoint},http://127.0.0.1:1`])
      assert.deepEqual(get(['-etcd-endpoints', urls]), written);
  });

  it('count as variables too, after what is typed', () => {
    const env = { FLANNELD_ETCD_ENDPOINTS: `http://${plain.endpoint}`, FLANNELD_ETCD_PREFIX: '/nothing/here' };
    assert.match(get([], env).err, /^weftd: CONFIG_MISSING: there is no network config in etcd:.*\/nothing\/here$/m);
    assert.deepEqual(get(['-etcd-prefix=/a/b'], env), written);
  });

  it('speak TLS with the CA alone, which flannel of today takes for none', () => {
    const flags = [`-etcd-endpoints=https://${tls.endpoint}`, `-etcd-cafile=${certificates.ca}`];
    assert.equal(weftd(['config', 'set', '-f', '-', ...flags], {}, CONFIG).exit, 0);
    assert.deepEqual(get(flags), written);
    const { exit, err } = get(flags.slice(0, 1));
    assert.equal(exit, 1, 'an authority that Node does not know');
    assert.match(err, /^weftd: STORE_UNREACHABLE: .*certificate/m);
  });

  it('show a certificate to a server that asks for one', () => {
    const env = {
      FLANNELD_ETCD_ENDPOINTS: `https://${strict.endpoint}`,
      FLANNELD_ETCD_CAFILE: certificates.ca,
      FLANNELD_ETCD_CERTFILE: client.cert,
      FLANNELD_ETCD_KEYFILE: client.key,
    };
    assert.equal(weftd(['config', 'set', '-f', '-'], env, CONFIG).exit, 0);
    assert.deepEqual(get([], env), written);
    assert.match(get([], { ...env, FLANNELD_ETCD_CERTFILE: '', FLANNELD_ETCD_KEYFILE: '' }).err, /STORE_UNREACHABLE/);
    const { err } = get(['-etcd-keyfile=/not/there'], env);
    assert.match(err, /^weftd: BAD_OPTION: keyfile \/not\/there cannot be read/);
  });

  it('log in with user and password, which are shown to nobody', async () => {
    const raw = new Etcd3({ hosts: plain.endpoint });
    await raw.role('root').create();
    await (await raw.user('root').create('secret')).addRole('root');
    const role = await raw.role('flannel').create();
    await role.grant({ permission: 'Readwrite', range: Range.prefix('/coreos.com/network/') });
    await (await raw.user('flannel').create('open sesame')).addRole('flannel');
    await raw.auth.authEnable();
    raw.close();
    const flags = [`-etcd-endpoints=http://${plain.endpoint}`, '-etcd-username=flannel'];
    assert.deepEqual(get([...flags, '-etcd-password', 'open sesame']), written);
    assert.deepEqual(get(flags, { FLANNELD_ETCD_PASSWORD: 'open sesame' }), written);
    assert.deepEqual(get([...flags, '-etcd-password=open sesame'], { FLANNELD_ETCD_PASSWORD: 'hunter2' }), written);
    const wrong = get(flags, { FLANNELD_ETCD_PASSWORD: 'hunter2' });
    assert.match(wrong.err, /^weftd: STORE_DENIED: /m);
    assert.doesNotMatch(wrong.err + wrong.out, /hunter2/);
    assert.match(
      get(flags).err,
      /^weftd: BAD_OPTION: the store's user flannel has no password\n {2}give it in FLANNELD_ETCD/,
    );
    assert.match(get(flags.slice(0, 1)).err, /^weftd: STORE_DENIED: /m);
    const elsewhere = get([...flags, '-etcd-prefix=/other'], { FLANNELD_ETCD_PASSWORD: 'open sesame' });
    assert.match(elsewhere.err, /^weftd: STORE_DENIED: /m);
  });
});
