import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { OPTION_KEYS, optionOf } from '../../src/options.ts';
import { readUnit, type ReadUnit } from './systemd-unit.ts';
import { Terminal } from './typed.ts';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'weft-user-data-'));
after(() => rmSync(scratch, { recursive: true }));

const BASE = 'user-data --cloud aws --store dynamodb://weft';
const HEX = 'ab'.repeat(32);
const OUTPUTS = [
  BASE,
  `${BASE}?network=blue&poll=2s --install npm`,
  `${BASE} --install https://example.com/a/weftd-1.2.3.tgz`,
  `${BASE} --install https://example.com/w.tgz?a=b&c=%20(d)#e --sha256 ${HEX}`,
  `${BASE} --iface-regex ^e(th|ns)[0-9]+$ --env A=\`id\`$(id)'"%n --env B=* --iface "x;y`,
];

const type = (line: string) => new Terminal({}).type(line);
const script = async (line: string): Promise<string> => {
  const { out, err, exit } = await type(line);
  assert.deepEqual([exit, err], [0, '']);
  return out;
};
const unitText = (text: string): string => /<<'END_OF_UNIT'\n([\s\S]*?)END_OF_UNIT\n/.exec(text)?.[1] ?? '';
const unitOf = async (line: string): Promise<ReadUnit> => readUnit(unitText(await script(line)));
const absent = (program: string): string | false =>
  spawnSync(program, ['--version']).error === undefined ? false : `${program} is not installed`;

describe('weftd user-data', () => {
  it('prints a script in which shellcheck finds nothing', { skip: absent('shellcheck') }, async () => {
    for (const line of OUTPUTS) {
      const { status, stdout } = spawnSync('shellcheck', ['-'], { input: await script(line), encoding: 'utf8' });
      assert.deepEqual([status, stdout], [0, ''], line);
    }
  });

  it('writes a unit in which systemd finds nothing', { skip: absent('systemd-analyze') }, async () => {
    for (const line of OUTPUTS) {
      // systemd looks whether the program is there.
      const text = unitText(await script(line)).replace('=/usr/local/bin/weftd ', '=/bin/true ');
      const file = path.join(scratch, 'weftd.service');
      writeFileSync(file, text);
      const { stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
      assert.deepEqual(
        stderr.split('\n').filter((said) => said.includes('weftd.service')),
        [],
        line,
      );
    }
  });

  it('starts the daemon with the options that were given, and no others', async () => {
    const { command } = await unitOf(BASE);
    assert.deepEqual(command, ['/usr/local/bin/weftd', 'run', '--store', 'dynamodb://weft', '--cloud', 'aws']);
    const all =
      '--iface ens5 --iface 10.0.0.1 --iface-regex ^e$ --iface-can-reach 10.0.0.9 --allow-renumber --resync 90s --health-listen [::1]:80 --log-level warn';
    assert.deepEqual((await unitOf(`${BASE} ${all}`)).command.slice(6), all.replace('90s', '90000ms').split(' '));
    assert.deepEqual((await unitOf(`${BASE} --health-listen off`)).command.slice(6), ['--health-listen', 'off']);
  });

  it("hands flannel's options on, where they are not what the daemon does by itself", async () => {
    const flags =
      '--subnet-lease-renew-margin 90 --iptables-resync 30 --healthz-port 8081 --ip-masq --ip-masq-fully-random-disable --iptables-forward-rules=false --healthz-ip 127.0.0.1';
    assert.deepEqual((await unitOf(`${BASE} ${flags}`)).command.slice(6), flags.split(' '));
    const byDefault =
      '-subnet-lease-renew-margin=60 -iptables-resync=5 -healthz-port=0 -ip-masq=false -iptables-forward-rules -healthz-ip=0.0.0.0 --log-level info';
    assert.deepEqual((await unitOf(`${BASE} ${byDefault}`)).command.slice(6), []);
  });

  it('passes over none of its options', async () => {
    const URLS = '--etcd-endpoints http://10.0.0.1:2379';
    const TLS = '--etcd-endpoints https://10.0.0.1:2379';
    // Each option, and what it needs beside it.
    const given: Readonly<Record<string, readonly [option: string, beside?: string]>> = {
      store: ['--store dynamodb://other', ''],
      etcdEndpoints: ['--etcd-endpoints http://10.0.0.2:2379', ''],
      etcdPrefix: ['--etcd-prefix /a', URLS],
      etcdCafile: ['--etcd-cafile /etc/ca', TLS],
      etcdCertfile: ['--etcd-certfile /etc/c', `${TLS} --etcd-keyfile /etc/k`],
      etcdKeyfile: ['--etcd-keyfile /etc/k', `${TLS} --etcd-certfile /etc/c`],
      iface: ['--iface ens5'],
      ifaceRegex: ['--iface-regex ^e$'],
      ifaceCanReach: ['--iface-can-reach 10.0.0.9'],
      subnetLeaseRenewMargin: ['--subnet-lease-renew-margin 90'],
      ipMasq: ['--ip-masq'],
      ipMasqFullyRandomDisable: ['--ip-masq-fully-random-disable'],
      iptablesForwardRules: ['--iptables-forward-rules=false'],
      iptablesResync: ['--iptables-resync 30'],
      allowRenumber: ['--allow-renumber'],
      allowExtension: ['--allow-extension=false'],
      resync: ['--resync 90s'],
      healthListen: ['--health-listen off'],
      healthzIp: ['--healthz-ip 127.0.0.1'],
      healthzPort: ['--healthz-port 8081'],
      logLevel: ['--log-level warn'],
      install: ['--install npm'],
      sha256: [`--sha256 ${HEX}`, `${BASE} --install https://example.com/w.tgz`],
      env: ['--env A=b'],
    };
    // Without --cloud there is no script, and a user comes with a file for the password, which the URL alone names.
    const withOthers = new Set<string>(['cloud', 'etcdUsername']);
    const own = OPTION_KEYS.filter((key) => optionOf(key).uses.includes('user-data') && !withOthers.has(key));
    assert.deepEqual(Object.keys(given).toSorted(), own.toSorted());
    for (const [option, beside = BASE] of Object.values(given)) {
      const line = beside.startsWith('user-data') ? beside : `user-data --cloud aws ${beside}`;
      const { out: without } = await type(line);
      assert.notEqual(await script(`${line} ${option}`), without, option);
    }
    const { command } = await unitOf(`${BASE} --allow-extension`);
    assert.deepEqual(command.slice(6), ['--allow-extension']);
  });

  it('names the store by the etcd options, as they were given', async () => {
    const etcd =
      '--etcd-endpoints https://10.0.0.1:2379,https://10.0.0.2:2379 --etcd-prefix /a$b --etcd-cafile /etc/ca --etcd-certfile /etc/c --etcd-keyfile /etc/k --etcd-username u';
    const { out } = await type(`user-data --cloud aws ${etcd}`);
    assert.deepEqual(readUnit(unitText(out)).command.slice(2), [...etcd.split(' '), '--cloud', 'aws']);
    const bare = await unitOf('user-data --cloud aws -etcd-endpoints=10.0.0.1:2379');
    assert.deepEqual(bare.command.slice(2), ['--etcd-endpoints', '10.0.0.1:2379', '--cloud', 'aws']);
  });

  it('says beside the script that the user of etcd in it has no password yet', async () => {
    const userAlone = ['--etcd-endpoints http://a:1 --etcd-username u', '--store etcd://a?username=u'];
    for (const [at, variable] of ['FLANNELD_ETCD_PASSWORD', 'WEFT_ETCD_PASSWORD'].entries()) {
      const { out, err, exit } = await type(`user-data --cloud aws ${userAlone[at]}`);
      assert.deepEqual([exit, out.includes('username')], [0, true]);
      assert.match(
        err,
        new RegExp(`^weftd: the script names a user of etcd and no password.*\n.*passwordfile=FILE.* ${variable} `),
      );
    }
    assert.match(await script('user-data --cloud aws --store etcd://a?username=u&passwordfile=/p'), /passwordfile/);
  });

  it('takes no password from the variables of whoever writes the script', async () => {
    const environment = {
      FLANNELD_ETCD_ENDPOINTS: 'http://a:1',
      FLANNELD_ETCD_USERNAME: 'u',
      FLANNELD_ETCD_PASSWORD: 'p',
    };
    const { out, exit } = await new Terminal(environment).type('user-data --cloud aws');
    assert.deepEqual(
      [exit, readUnit(unitText(out)).command.slice(2, 6)],
      [0, ['--etcd-endpoints', 'http://a:1', '--etcd-username', 'u']],
    );
  });

  it('lets Docker wait for the subnet, and nobody wait for the store at boot', async () => {
    const text = await script(BASE);
    const { settings } = readUnit(unitText(text));
    const of = (key: string) => settings.get(key);
    assert.deepEqual([of('Service.Type'), of('Unit.Before')], [['notify'], ['docker.service']]);
    assert.deepEqual([of('Service.NotifyAccess'), of('Service.TimeoutStartSec')], [['main'], ['infinity']]);
    assert.match(text, /^systemctl restart --no-block weftd\.service$/m);
  });

  it('gives the daemon the variables that were named', async () => {
    const { environment } = await unitOf(`${BASE} --env AWS_ENDPOINT_URL_DYNAMODB=https://a.b:1/%7Ec --env EMPTY=`);
    assert.deepEqual(environment, { AWS_ENDPOINT_URL_DYNAMODB: 'https://a.b:1/%7Ec', EMPTY: '' });
  });

  it('lets the daemon be started again after a failure, but not when a person has to decide', async () => {
    const { settings } = await unitOf(BASE);
    assert.deepEqual(settings.get('Service.Restart'), ['on-failure']);
    assert.deepEqual(settings.get('Service.RestartPreventExitStatus'), ['2']);
    assert.deepEqual(settings.get('Service.RuntimeDirectoryPreserve'), ['yes']);
  });

  it('names no place that packages come from but the one it was told', async () => {
    const places = (text: string): string[] => [...text.matchAll(/[a-z]+:\/\/[^/\s']+/g)].map(([place]) => place);
    assert.deepEqual(places(await script(`${BASE} --install npm`)), ['dynamodb://weft']);
    assert.deepEqual(places(await script(`${BASE} --install https://example.com/w.tgz`)), [
      'https://example.com',
      'dynamodb://weft',
    ]);
  });

  for (const [line, message] of [
    ['user-data --store dynamodb://weft', /BAD_OPTION: --cloud auto: for the instances of which cloud/],
    [
      'user-data --cloud gce --store dynamodb://weft',
      /UNSUPPORTED: --cloud gce is not carried by this version\n {2}Hosts/,
    ],
    ['user-data --cloud none --store dynamodb://weft', /BAD_OPTION: --cloud none/],
    ['user-data --cloud aws', /BAD_OPTION: no store is named/],
    ['user-data --cloud aws --store dynamodb://weft?netwrok=a', /BAD_OPTION: .*did you mean "network"/],
    ['user-data --cloud aws --store consul://a', /BAD_OPTION: .*this version has no store "consul"/],
    [`${BASE} --node-id a`, /BAD_OPTION: weftd user-data takes no --node-id/],
    [`${BASE} --install ftp://a/b`, /BAD_OPTION: --install "ftp:\/\/a\/b": expected npm, or an https URL/],
    [`${BASE} --install https://a/$(id)`, /BAD_OPTION: --install/],
    [`${BASE} --install npm --sha256 ${HEX}`, /BAD_OPTION: --sha256 is of a package with a URL/],
    [`${BASE} --install https://a/b --sha256 abc`, /BAD_OPTION: --sha256 "abc": expected 64 hexadecimal digits/],
    [`${BASE} --env A`, /BAD_OPTION: --env "A": expected NAME=VALUE/],
    [`${BASE} --env A=\u0007`, /BAD_OPTION: --env "A=.": expected NAME=VALUE/],
    [`${BASE} --env AWS_SECRET_ACCESS_KEY=s`, /BAD_OPTION: --env AWS_SECRET_ACCESS_KEY: no credentials/],
    [
      `${BASE} --env FLANNELD_ETCD_PASSWORD=s`,
      /BAD_OPTION: --env FLANNELD_ETCD_PASSWORD: no credentials.*\n.*passwordfile/,
    ],
    [
      'user-data --cloud aws --etcd-endpoints http://a:1 --etcd-username u --etcd-password s',
      /BAD_OPTION: weftd user-data takes no --etcd-password\n {2}Every program.*passwordfile=FILE/,
    ],
    [
      'user-data --cloud aws --etcd-endpoints http://a:1 --etcd-cafile /c',
      /BAD_OPTION: --etcd-cafile is given, and the endpoints are http/,
    ],
    [`${BASE} --etcd-prefix /a`, /BAD_OPTION: --store and --etcd-prefix both say where the store is/],
    [`${BASE} --env FLANNELD_NODE_ID=s`, /BAD_OPTION: --env FLANNELD_NODE_ID: each instance has its own/],
    [`${BASE} --env A=${'a'.repeat(16_384)}`, /BAD_OPTION: the script has \d+ bytes, and EC2 takes 16384/],
  ] as const) {
    it(`refuses ${line.length > 90 ? `${line.slice(0, 90)}...` : line}`, async () => {
      const { out, err, exit } = await type(line);
      assert.deepEqual([out, exit], ['', 2]);
      assert.match(err, message);
    });
  }
});
