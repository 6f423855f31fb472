import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cloudAndOffice } from '../../src/lab/cloud-and-office.ts';
import { drawTopology } from '../../src/lab/drawing.ts';
import { drawMatrix } from '../../src/lab/matrix.ts';
import { Report } from '../../src/lab/report.ts';
import { Screen } from '../../src/lab/screen.ts';
import { twoSegments } from '../../src/lab/two-segments.ts';

const plain = (_: string, text: string): string => text;
const trimmed = (lines: readonly string[]): string => lines.map((line) => line.trimEnd()).join('\n');

describe('what the lab shows', () => {
  it('draws a topology from its value', () => {
    const expected = `
  segment A  172.30.1.0/24                     segment B  172.30.2.0/24
  ┌─────────────┐ ┌─────────────┐              ┌─────────────┐ ┌╌╌╌╌╌╌╌╌╌╌╌╌╌┐
  │ a1          │ │ a2          │              │ b1          │ ┆ b2          ┆
  │ 172.30.1.11 │ │ 172.30.1.12 │              │ 172.30.2.11 │ ┆ joins later ┆
  └──────┬──────┘ └──────┬──────┘              └──────┬──────┘ └╌╌╌╌╌╌┬╌╌╌╌╌╌┘
  ═══════╧═══════════════╧═════════╡ router ╞═════════╧═══════════════╧═══════
                                        ║
                         store DynamoDB 172.30.9.10:8000`;
    assert.equal(trimmed(drawTopology(twoSegments, 'dynamodb', plain)), expected.slice(1));
  });

  it('draws several sites side by side, with their cables to the one in the middle', () => {
    const expected = `
  subnet A                                  subnet B           office
  10.0.1.0/24                               10.0.2.0/24        192.168.50.0/24
  ┌─────────────┐ ┌─────────────┐           ┌─────────────┐    ┌───────────────┐
  │ a1          │ │ a2          │           │ b1          │    │ o1            │
  │ 10.0.1.11   │ │ 10.0.1.12   │           │ 10.0.2.11   │    │ 192.168.50.11 │
  └──────┬──────┘ └──────┬──────┘           └──────┬──────┘    └───────┬───────┘
  ═══════╧═══════════════╧═════════╡ vpc ╞═════════╧═══════    ════════╧════════
                                      ║                                ║
                                      ╚═════════╡ internet ╞═══════════╝
                                                      ║
                                         store etcd 172.30.9.10:2379`;
    assert.equal(trimmed(drawTopology(cloudAndOffice, 'etcd', plain)), expected.slice(1));
  });

  it('shows the matrix with the path and the round trip of each pair, and what is not reached', () => {
    const pairs = [
      { from: 'a1', to: 'b1', path: 'vxlan', ok: true, rttMs: 0.123 },
      { from: 'b1', to: 'a1', path: 'none', ok: false, rttMs: null },
    ];
    const expected = `
  from \\ to   a1              b1
  a1          ·               vxlan 0.12 ms
  b1          none ✘          ·`;
    assert.equal(trimmed(drawMatrix(pairs, plain)), expected.slice(1));
  });

  it('writes plain lines, one a step, where nothing can be written over', () => {
    let written = '';
    const screen = new Screen({ write: (text) => (written += text) }, {});
    const step = screen.step('hosts start');
    step.update('a1 is up');
    step.done('each has a lease');
    screen.step('they talk').failed('a1 does not answer');
    const lines = written.replaceAll(/ +\d+\.\d\d s/g, '').split('\n');
    assert.deepEqual(lines, ['✔ hosts start  each has a lease', '✘ they talk', '  a1 does not answer', '']);
  });

  it('uses no colour when NO_COLOR is set, and none where nobody looks', () => {
    const terminal = { write: () => {}, isTTY: true };
    assert.equal(new Screen(terminal, { NO_COLOR: '1' }).paint('red', 'x'), 'x');
    assert.equal(new Screen(terminal, {}).paint('red', 'x'), '\u001B[31mx\u001B[0m');
    assert.equal(new Screen({ write: () => {} }, {}).paint('red', 'x'), 'x');
  });
});

describe('a report', () => {
  it('is ok when all expectations held', () => {
    const report = new Report();
    report.add('store', 'dynamodb');
    report.check('water is wet', true, 'dry');
    assert.deepEqual(JSON.parse(report.toJson()), { ok: true, store: 'dynamodb', checks: 1 });
  });

  it('is not ok when nothing was expected, and names what failed', () => {
    assert.equal(new Report().ok, false);
    const report = new Report();
    report.check('water is wet', false, 'it was dry');
    assert.deepEqual(JSON.parse(report.toJson()), {
      ok: false,
      checks: 1,
      failures: [{ check: 'water is wet', seen: 'it was dry' }],
    });
  });
});
