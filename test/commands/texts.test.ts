import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Explanation } from '../../src/agent/explain.ts';
import { errorJson, errorText, exitCodeOf } from '../../src/commands/error-text.ts';
import { explanationText } from '../../src/commands/explain-text.ts';
import { lineDiff } from '../../src/commands/line-diff.ts';
import { planText } from '../../src/commands/plan-text.ts';
import { statusText } from '../../src/commands/status-text.ts';
import { age } from '../../src/commands/text-table.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { Status } from '../../src/core/status.ts';

const NOW = Date.UTC(2026, 2, 1, 12, 0, 0);
const ago = (ms: number): string => new Date(NOW - ms).toISOString();

const HEALTHY: Status = {
  version: '0.1.0',
  node: 'host-a',
  instance: '5d1c90f2',
  state: 'held',
  ready: true,
  unready: [],
  network: '10.42.0.0/16',
  subnet: '10.42.7.0/24',
  address: '10.42.7.0',
  publicIP: '192.0.2.11',
  epoch: 12,
  store: { kind: 'dynamodb', reachable: true, error: null },
  cloud: null,
  tunnel: null,
  peers: [
    {
      node: 'host-b',
      subnet: '10.42.19.0/24',
      publicIP: '192.0.2.12',
      path: 'direct',
      mtu: 1500,
      since: ago(3 * 3_600_000),
      refused: [],
      trouble: null,
      tunnel: null,
      settled: true,
    },
    {
      node: 'host-c',
      subnet: '10.42.31.0/24',
      publicIP: '198.51.100.7',
      path: 'vxlan',
      mtu: 1450,
      since: ago(12 * 60_000),
      refused: [{ path: 'direct', why: '198.51.100.7 is not on the link of eth0' }],
      trouble: null,
      tunnel: null,
      settled: true,
    },
    {
      node: null,
      subnet: '10.42.8.0/24',
      publicIP: '192.0.2.20',
      path: 'none',
      mtu: null,
      since: ago(5000),
      refused: [{ path: 'vxlan', why: 'no endpoint' }],
      trouble: null,
      tunnel: null,
      settled: true,
    },
  ],
  pass: { number: 9, at: ago(4000), durationMs: 3.2, applied: 0, failed: [], held: [] },
  findings: [],
  skipped: [],
};

describe('the status for people', () => {
  it('shows the host, then one line a peer with the paths that were refused', () => {
    assert.equal(
      statusText(HEALTHY, NOW),
      `node       host-a (instance 5d1c90f2, weftd 0.1.0)
state      held, ready
network    10.42.0.0/16
subnet     10.42.7.0/24 (address 10.42.7.0, epoch 12)
public IP  192.0.2.11
store      dynamodb, reachable
last pass  4s ago in 3 ms: 0 applied, 0 failed, 0 held

PEER        SUBNET         PUBLIC IP     PATH    MTU   SINCE  REFUSED
host-b      10.42.19.0/24  192.0.2.12    direct  1500  3h
host-c      10.42.31.0/24  198.51.100.7  vxlan   1450  12m    direct: 198.51.100.7 is not on the link of eth0
(flanneld)  10.42.8.0/24   192.0.2.20    none    -     5s     vxlan: no endpoint
`,
    );
  });

  it('says what is wrong before the peers', () => {
    const text = statusText(
      {
        ...HEALTHY,
        state: 'starting',
        ready: false,
        unready: ['no subnet is leased yet', 'the subnet file is not written'],
        subnet: null,
        store: { kind: 'dynamodb', reachable: false, error: 'ECONNREFUSED' },
        peers: [],
        pass: {
          number: 1,
          at: ago(0),
          durationMs: 1,
          applied: 2,
          failed: [{ entry: 'accept forwarded 10.42.0.0/16', code: 'KERNEL_REFUSED', message: 'EBUSY' }],
          held: [{ entry: 'no route', why: 'too many' }],
        },
        findings: [{ code: 'FORWARD_DROPS', message: 'chain x drops' }],
        skipped: [{ key: 'lease#x', why: 'not a key' }],
      },
      NOW,
    );
    assert.equal(
      text,
      `node       host-a (instance 5d1c90f2, weftd 0.1.0)
state      starting, not ready: no subnet is leased yet; the subnet file is not written
network    10.42.0.0/16
subnet     none leased yet
public IP  192.0.2.11
store      dynamodb, away: ECONNREFUSED
last pass  0s ago in 1 ms: 2 applied, 1 failed, 1 held

Failed:
  accept forwarded 10.42.0.0/16: KERNEL_REFUSED: EBUSY

Held back:
  no route: too many

Findings:
  FORWARD_DROPS: chain x drops

Skipped in the store:
  lease#x: not a key

No peers.
`,
    );
  });
});

describe('an explanation for people', () => {
  const peer: Explanation = {
    node: 'host-c',
    subnet: '10.42.31.0/24',
    publicIP: '198.51.100.7',
    epoch: 3,
    path: 'vxlan',
    since: ago(12 * 60_000),
    before: 'direct',
    paths: [
      { path: 'direct', verdict: 'refused', why: 'not on the link' },
      { path: 'vxlan', verdict: 'taken', why: null },
    ],
    cloudRoute: null,
    mtu: { result: 1450, overhead: 50, mine: 1450, theirs: 8951, between: undefined },
    probes: [{ path: 'vxlan', says: 'good', rttMs: 0.4, heard: ago(1000) }],
    turns: [{ at: ago(12 * 60_000), from: 'direct', to: 'vxlan', why: 'direct is down' }],
    entries: [
      { entry: 'route 10.42.31.0/24 via 10.42.31.0 dev flannel.1', stands: true },
      { entry: 'fdb aa:bb:cc:dd:ee:ff dst 198.51.100.7', stands: false },
    ],
  };

  it('shows every path with its verdict, what stands, and the sum of the MTU', () => {
    assert.equal(
      explanationText(peer, NOW),
      `peer       host-c
subnet     10.42.31.0/24 (epoch 3)
public IP  198.51.100.7
path       vxlan for 12m, before it direct
MTU        1450, the smallest of mine 1450, theirs 8951 (vxlan takes 50)

PATH    VERDICT  WHY
direct  refused  not on the link
vxlan   taken

WHEN     FROM    TO     WHY
12m ago  direct  vxlan  direct is down

STANDS  ON THIS HOST
yes     route 10.42.31.0/24 via 10.42.31.0 dev flannel.1
NO      fdb aa:bb:cc:dd:ee:ff dst 198.51.100.7
`,
    );
  });

  it('says so when no path is taken', () => {
    assert.match(
      explanationText({ ...peer, path: 'none', mtu: null, entries: [] }, NOW),
      /^MTU {8}none: no path is taken$/m,
    );
  });
});

describe('a plan for people', () => {
  it('shows each change, what it replaces, whom it is for, and what would wait', () => {
    const text = planText({
      node: 'host-a',
      subnet: '10.42.7.0/24',
      changes: [
        {
          op: 'put',
          entry: 'route 10.42.19.0/24 via 192.0.2.12',
          was: 'route 10.42.19.0/24 via 192.0.2.99',
          peer: 'host-b by direct',
          held: null,
        },
        { op: 'put', entry: 'sysctl net/ipv4/ip_forward=1', was: null, peer: null, held: null },
        { op: 'remove', entry: 'route 10.42.66.0/24 via 192.0.2.66', was: null, peer: null, held: 'more than half' },
      ],
      peers: [{ node: 'host-b', subnet: '10.42.19.0/24', path: 'direct', mtu: 1500, refused: [] }],
      cloud: null,
      findings: [],
    });
    assert.equal(
      text,
      `Plan for node host-a, subnet 10.42.7.0/24

~ route 10.42.19.0/24 via 192.0.2.12   (host-b by direct)
    instead of route 10.42.19.0/24 via 192.0.2.99
+ sysctl net/ipv4/ip_forward=1
- route 10.42.66.0/24 via 192.0.2.66
    held back: more than half

2 to put, 1 to remove. Nothing was changed.

PEER    SUBNET         PATH    MTU   REFUSED
host-b  10.42.19.0/24  direct  1500
`,
    );
  });

  it('says that there is nothing to do', () => {
    assert.match(
      planText({ node: 'a', subnet: 's', changes: [], peers: [], cloud: null, findings: [] }),
      /Nothing to change/,
    );
  });
});

describe('an error', () => {
  it('is told with its code, what may be done, and its own exit code', () => {
    const error = new WeftError('NOT_PERMITTED', 'may not', { hint: 'Be root.' });
    assert.equal(errorText(error), 'weftd: NOT_PERMITTED: may not\n  Be root.\n');
    assert.equal(errorJson(error), '{"error":{"code":"NOT_PERMITTED","message":"may not","hint":"Be root."}}\n');
    assert.equal(exitCodeOf(error), 5);
  });

  it('that nobody foresaw is INTERNAL, with the place where it happened', () => {
    const text = errorText(new TypeError('x is undefined'));
    assert.match(text, /^weftd: INTERNAL: x is undefined\n {4}at /);
    assert.equal(exitCodeOf(new TypeError('x')), 1);
  });
});

describe('a difference of two texts', () => {
  it('marks what is gone and what is new, in place', () => {
    assert.equal(lineDiff('a\nb\nc\n', 'a\nx\nc\nd\n'), '  a\n- b\n+ x\n  c\n+ d\n');
  });

  it('of nothing and something is all new', () => {
    assert.equal(lineDiff('', 'a\n'), '+ a\n');
  });
});

describe('an age', () => {
  it('is told in the unit that says it best', () => {
    assert.deepEqual([0, 119_000, 120_000, 7_199_000, 7_200_000, 172_799_000, 172_800_000, -5].map(age), [
      '0s',
      '119s',
      '2m',
      '119m',
      '2h',
      '47h',
      '2d',
      '0s',
    ]);
  });
});
