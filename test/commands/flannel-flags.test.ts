/** FLANNEL.md 3.1: every flag of flanneld today and of v0.5.5, as it is typed and as a variable. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { passedOver } from '../../src/commands/passed-over.ts';
import { readOptions, splitArguments } from '../../src/commands/read-arguments.ts';
import { WeftError } from '../../src/core/errors.ts';
import { flagOf, OPTION_KEYS, optionOf, variableOf, type OptionKey, type Options } from '../../src/options.ts';

type Environment = Readonly<Record<string, string>>;

const options = (argv: readonly string[], environment: Environment = {}): Options =>
  readOptions('run', splitArguments(argv), environment);

function refusal(argv: readonly string[], environment: Environment = {}): WeftError {
  try {
    options(argv, environment);
  } catch (error) {
    assert.ok(error instanceof WeftError);
    return error;
  }
  assert.fail(`${argv.join(' ')} was taken`);
}

interface Taken {
  readonly flag: string;
  /** As flannel's own help says it. */
  readonly byDefault: string;
  /** Some other value, and what comes of it. */
  readonly text: string;
  readonly value: unknown;
}

const TAKEN: readonly Taken[] = [
  {
    flag: 'etcd-endpoints',
    byDefault: 'http://127.0.0.1:4001,http://127.0.0.1:2379',
    text: 'https://a:1,https://b:2',
    value: { scheme: 'https', hosts: ['a:1', 'b:2'] },
  },
  { flag: 'etcd-prefix', byDefault: '/coreos.com/network', text: '/a/b', value: '/a/b' },
  { flag: 'etcd-keyfile', byDefault: '', text: '/k', value: '/k' },
  { flag: 'etcd-certfile', byDefault: '', text: '/c', value: '/c' },
  { flag: 'etcd-cafile', byDefault: '', text: '/ca', value: '/ca' },
  { flag: 'etcd-username', byDefault: '', text: 'u', value: 'u' },
  { flag: 'etcd-password', byDefault: '', text: 'p=a -b', value: 'p=a -b' },
  { flag: 'iface', byDefault: '', text: 'eth1', value: ['eth1'] },
  { flag: 'iface-regex', byDefault: '', text: '^e.*$', value: ['^e.*$'] },
  { flag: 'iface-can-reach', byDefault: '', text: '192.0.2.1', value: '192.0.2.1' },
  { flag: 'subnet-file', byDefault: '/run/flannel/subnet.env', text: '/x/y.env', value: '/x/y.env' },
  { flag: 'public-ip', byDefault: '', text: '192.0.2.7', value: '192.0.2.7' },
  { flag: 'subnet-lease-renew-margin', byDefault: '60', text: '1439', value: 1439 },
  { flag: 'ip-masq', byDefault: 'false', text: 'true', value: true },
  { flag: 'ip-masq-fully-random-disable', byDefault: 'false', text: 'true', value: true },
  { flag: 'healthz-ip', byDefault: '0.0.0.0', text: '::1', value: '::1' },
  { flag: 'healthz-port', byDefault: '0', text: '8081', value: 8081 },
  { flag: 'iptables-resync', byDefault: '5', text: '30', value: 30 },
  { flag: 'iptables-forward-rules', byDefault: 'true', text: 'false', value: false },
  { flag: 'ip-blackhole-route', byDefault: 'false', text: 'true', value: true },
  // Of glog and klog.
  { flag: 'v', byDefault: '0', text: '10', value: 10 },
  { flag: 'vmodule', byDefault: '', text: 'a=2', value: 'a=2' },
  { flag: 'log_backtrace_at', byDefault: '', text: 'a.go:7', value: 'a.go:7' },
  { flag: 'logtostderr', byDefault: '', text: 'true', value: true },
  { flag: 'alsologtostderr', byDefault: '', text: 'false', value: false },
  { flag: 'stderrthreshold', byDefault: '', text: '2', value: '2' },
  { flag: 'log_dir', byDefault: '', text: '/var/log', value: '/var/log' },
];

/** With what the answer says to use instead. */
const REFUSED: readonly (readonly [flag: string, text: string, instead: RegExp])[] = [
  ['public-ipv6', '2001:db8::1', /IPv4/],
  ['kube-subnet-mgr', 'true', /Kubernetes.*--etcd-endpoints or --store/],
  ['kube-api-url', 'https://a', /Kubernetes/],
  ['kubeconfig-file', '/a', /Kubernetes/],
  ['kube-annotation-prefix', 'a.b', /Kubernetes/],
  ['net-config-path', '/a', /Kubernetes/],
  ['set-node-network-unavailable', 'true', /Kubernetes/],
  ['use-multi-cluster-cidr', 'true', /Kubernetes/],
  [
    'networks',
    'blue',
    /weftd --etcd-prefix=\/coreos.com\/network\/blue --subnet-file=\/run\/flannel\/networks\/blue.env/,
  ],
  ['watch-networks', 'true', /one weftd a network/],
  ['subnet-dir', '/run/x', /one weftd a network/],
  ['listen', '0.0.0.0:8888', /talks to the store itself.*--etcd-endpoints/],
  ['remote', '10.0.0.1:8888', /--etcd-endpoints/],
  ['remote-keyfile', '/a', /--etcd-endpoints/],
  ['remote-certfile', '/a', /--etcd-endpoints/],
  ['remote-cafile', '/a', /--etcd-endpoints/],
];

function keyOf(flag: string): OptionKey {
  const key = OPTION_KEYS.find((one) => flagOf(one) === flag);
  assert.ok(key !== undefined, `no option --${flag}`);
  return key;
}

describe("flannel's flags", () => {
  for (const { flag, byDefault, text, value } of TAKEN) {
    it(`-${flag} has flannel's default, and one value however it is written`, () => {
      const key = keyOf(flag);
      const { fallback, kind, flannel = false, help } = optionOf(key);
      assert.equal(fallback, byDefault);
      assert.ok(flannel !== /^(always so|without effect)/.test(help), 'it means the same, or says so');
      const isSwitch = kind.placeholder === undefined;
      for (const dashes of ['-', '--']) {
        assert.deepEqual(options([`${dashes}${flag}=${text}`])[key], value);
        if (!isSwitch) assert.deepEqual(options([`${dashes}${flag}`, text])[key], value);
        else assert.equal(options([`${dashes}${flag}`])[key], true);
      }
      const variable = variableOf(flag);
      assert.equal(variable, `FLANNELD_${flag.toUpperCase().replaceAll('-', '_')}`);
      assert.deepEqual(options([], { [variable]: text })[key], value, 'by the variable');
      assert.deepEqual(options([], { [variable]: '' })[key], options([])[key], 'an empty variable');
      const other = isSwitch ? String(text !== 'true') : text;
      assert.deepEqual(
        options([`--${flag}=${text}`], { [variable]: other })[key],
        value,
        'the command line counts first',
      );
    });
  }

  for (const [flag, text, instead] of REFUSED) {
    it(`-${flag} is refused, with what to do instead`, () => {
      for (const argv of [[`-${flag}=${text}`], [`--${flag}=${text}`], [`-${flag}`, text]]) {
        const { code, message, hint } = refusal(argv);
        assert.deepEqual([code, message], ['BAD_OPTION', `--${flag} is not carried by this version`]);
        assert.match(hint ?? '', instead);
      }
    });
  }

  it('that are not carried may be switched off, or empty', () => {
    const argv = ['-kube-subnet-mgr=false', '--watch-networks=0', '-public-ipv6=', '-remote=', '--networks='];
    assert.deepEqual(options(argv), options([]));
  });

  it('for files and addresses may be empty, as units write them whose variables are not set', () => {
    const argv = ['-etcd-cafile=', '-etcd-password=', '-public-ip=', '-iface=', '-iface-can-reach='];
    assert.deepEqual(options(argv), options([]));
    assert.deepEqual(passedOver(options(['-log_dir=']), {}), []);
    assert.equal(options(['-public-ip='], { FLANNELD_PUBLIC_IP: '192.0.2.1' }).publicIp, undefined, 'it was typed');
  });

  it('-networks names the daemons that take its place', () => {
    const argv = ['-etcd-prefix=/nets', '--subnet-dir', '/run/x/', '-networks=blue,green'];
    const instead =
      'Run one weftd a network: weftd --etcd-prefix=/nets/blue --subnet-file=/run/x/blue.env; weftd --etcd-prefix=/nets/green --subnet-file=/run/x/green.env.';
    // Whichever comes first.
    assert.equal(refusal(argv).hint, instead);
    assert.equal(
      refusal(argv.toReversed().filter((word) => word !== '/run/x/' && word !== '--subnet-dir')).hint?.includes(
        '/nets/green',
      ),
      true,
    );
    assert.equal(
      refusal([], { FLANNELD_NETWORKS: 'blue,green', FLANNELD_ETCD_PREFIX: '/nets', FLANNELD_SUBNET_DIR: '/run/x' })
        .hint,
      instead,
    );
  });

  for (const [written, expected] of [
    ['-subnet-lease-renew-margin=0', 'a whole number from 1 to 1439'],
    ['-subnet-lease-renew-margin=1440', 'a whole number from 1 to 1439'],
    ['-subnet-lease-renew-margin=1h', 'a whole number from 1 to 1439'],
    ['-iptables-resync=0', 'a whole number from 1 to 86400'],
    ['-healthz-port=65536', 'a whole number from 0 to 65535'],
    [
      '-healthz-ip=localhost',
      'an address of this host like 127.0.0.1, or 0.0.0.0; names are not looked up: write 127.0.0.1 for it, or ::1',
    ],
    [
      '-healthz-ip=node-1.example',
      'an address of this host like 127.0.0.1, or 0.0.0.0; names are not looked up: write the address that it stands for',
    ],
    ['-healthz-ip=300.1.1.1', 'an address of this host like 127.0.0.1, or 0.0.0.0'],
    ['-iface-regex=\\Aeth', 'a regular expression like ^eth[0-9]+$; \\A is not understood here'],
  ] as const) {
    it(`${written} is refused`, () => {
      const [flag = '', text = ''] = written.slice(1).split('=');
      assert.equal(refusal([written]).message, `--${flag} "${text}": expected ${expected}`);
      const variable = variableOf(flag);
      assert.equal(refusal([], { [variable]: text }).message, `${variable} "${text}": expected ${expected}`, variable);
    });
  }
});

describe('what flanneld would obey and weftd does not', () => {
  const told = (argv: readonly string[], environment: Environment = {}): readonly string[] =>
    passedOver(options(argv, environment), environment).map(({ what }) => what);

  it('is told where it stands as a variable, but for switches that are off', () => {
    const environment = {
      FLANNELD_PUBLIC_IPV6: '2001:db8::1',
      FLANNELD_KUBE_SUBNET_MGR: 'false',
      FLANNELD_NET_CONFIG_PATH: '',
      FLANNELD_KUBE_API_URL: 'https://a',
    };
    assert.deepEqual(told([], environment), ['FLANNELD_PUBLIC_IPV6', 'FLANNELD_KUBE_API_URL']);
  });

  it('ends the start where a variable means another store', () => {
    for (const [name, text] of [
      ['KUBE_SUBNET_MGR', 'true'],
      ['NETWORKS', 'blue'],
      ['WATCH_NETWORKS', 'true'],
      ['REMOTE', '10.0.0.1:8888'],
      ['LISTEN', '0.0.0.0:8888'],
    ] as const) {
      const { message } = refusal([], { [`FLANNELD_${name}`]: text });
      assert.equal(message, `FLANNELD_${name} is not carried by this version`);
    }
  });

  it('is told of flags about the log, once each', () => {
    const argv = ['-vmodule=a=1', '-vmodule=b=2', '-log_dir=/x', '-stderrthreshold=INFO', '-log_backtrace_at=a:1'];
    assert.deepEqual(told(argv), ['--stderrthreshold', '--vmodule', '--log_backtrace_at', '--log_dir']);
    assert.deepEqual(told(['-logtostderr', '-alsologtostderr=false', '-v=3', '-ip-blackhole-route']), []);
  });

  it('is told of the etcd variables beside --store, and of the store beside etcd flags', () => {
    const environment = { FLANNELD_ETCD_PREFIX: '/a', WEFT_STORE: 'dynamodb://t' };
    assert.deepEqual(told([], environment), ['FLANNELD_ETCD_PREFIX']);
    assert.deepEqual(told(['--etcd-endpoints=http://a:1'], environment), ['WEFT_STORE']);
    assert.deepEqual(told(['--etcd-endpoints=http://a:1'], { FLANNELD_ETCD_PREFIX: '/a' }), []);
  });
});
