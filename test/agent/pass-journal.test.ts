import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PassJournal } from '../../src/agent/pass-journal.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { Route } from '../../src/core/host-entry.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { FailedChange, Move, PassReport } from '../../src/reconcile/pass-report.ts';
import { ListLog } from '../fakes/list-log.ts';
import { lease } from '../datapath/cluster.ts';

const route = (n: number): Route => ({
  kind: 'route',
  destination: parseSubnet(`10.42.${n}.0/24`),
  link: 'eth0',
  onlink: false,
});
const failing = (n: number): FailedChange => ({
  change: { op: 'put', want: route(n) },
  error: new WeftError('KERNEL_REFUSED', 'EINVAL'),
});
const came = (n: number): Move => ({ peer: lease(`10.42.${n}.0/24`, `192.168.0.${n}`), was: undefined, is: 'vxlan' });

let number = 1;
function report(changes: Partial<PassReport> = {}): PassReport {
  return {
    number: (number += 1),
    scope: 'all',
    atMs: 0,
    durationMs: 3,
    peers: new Map(),
    moved: [],
    planned: [],
    applied: [],
    failed: [],
    triesAgain: false,
    held: [],
    heldForMs: undefined,
    receives: [],
    findings: [],
    firewall: 'tells of changes',
    ...changes,
  };
}

function journal(): { journal: PassJournal; told: () => string[] } {
  const log = new ListLog();
  return {
    journal: new PassJournal(log),
    told: () => log.lines.splice(0).map(({ message, fields }) => `${message} ${JSON.stringify(fields)}`),
  };
}

test('tells each peer that came, moved or went, and many in one line', () => {
  const { journal: book, told } = journal();
  book.made(report({ moved: [came(2), { ...came(3), was: 'direct' }, { ...came(4), was: 'direct', is: undefined }] }));
  assert.deepEqual(told(), [
    'peer joined {"peer":"192.168.0.2","subnet":"10.42.2.0/24","path":"vxlan"}',
    'peer moved {"peer":"192.168.0.3","subnet":"10.42.3.0/24","path":"vxlan","was":"direct"}',
    'peer left {"peer":"192.168.0.4","subnet":"10.42.4.0/24"}',
  ]);
  book.made(report({ moved: Array.from({ length: 200 }, (_, n) => came(n)) }));
  assert.deepEqual(told(), ['peers changed {"count":200,"joined":200,"left":0}']);
  assert.equal(book.lastMove(came(7).peer.key)?.is, 'vxlan');
});

test('tells a failure when it comes and when it is over, not between; a pass over a few leases ends nothing it has not made', () => {
  const { journal: book, told } = journal();
  book.made(report({ failed: [failing(2)] }));
  assert.deepEqual(told(), [
    'change failed {"entry":"route 10.42.2.0/24 dev eth0","code":"KERNEL_REFUSED","error":"EINVAL"}',
  ]);
  book.made(report({ failed: [failing(2)] }));
  book.made(report({ scope: 1 }));
  assert.deepEqual(told(), []);
  assert.equal(book.failed.length, 1);
  book.made(report({ scope: 1, moved: [came(2)], applied: [{ op: 'put', want: route(2) }] }));
  assert.deepEqual(told().slice(1), ['change is made or needless now {"entry":"route 10.42.2.0/24 dev eth0"}']);
  assert.equal(book.failed.length, 0);
  book.made(report({ failed: Array.from({ length: 100 }, (_, n) => failing(n)) }));
  const lines = told();
  assert.deepEqual([lines.length, lines.at(-1)], [17, 'changes failed {"count":100}']);
});

test('tells what it puts right when no peer has moved', () => {
  const { journal: book, told } = journal();
  book.made(report({ applied: [{ op: 'put', want: route(2) }] }));
  assert.deepEqual(told(), ['host put right {"count":1,"durationMs":3,"entry":"route 10.42.2.0/24 dev eth0"}']);
});

test('tells held removals and their end', () => {
  const { journal: book, told } = journal();
  const held = [{ change: { op: 'remove', was: route(2) } as const, why: 'looks like a mistake' }];
  book.made(report({ held }));
  book.made(report({ held }));
  book.made(report({ scope: 3 }));
  assert.deepEqual(told(), ['removals held back {"count":1,"why":"looks like a mistake"}']);
  book.made(report());
  assert.deepEqual(told(), ['no removals held back {"count":1}']);
});

test('tells that passes cannot be made once for each reason', () => {
  const { journal: book, told } = journal();
  const error = new WeftError('KERNEL_REFUSED', 'ENOBUFS');
  book.broke(error);
  book.broke(error);
  assert.deepEqual(told(), ['pass could not be made {"code":"KERNEL_REFUSED","error":"ENOBUFS"}']);
  assert.equal(book.trouble, error);
  book.made(report());
  assert.deepEqual(told(), ['passes are made again {"code":"KERNEL_REFUSED"}']);
  assert.equal(book.trouble, undefined);
});
