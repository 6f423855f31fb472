import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Troubles } from '../../lambda/troubles.ts';
import type { LedgerRow } from '../../src/core/cloud-route.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { ledgerKey } from '../../src/core/ledger.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { RouteOutcome } from '../../src/reconcile/cloud-report.ts';
import { ListLog } from '../fakes/list-log.ts';

function outcomes(code: ErrorCode, table: string, ...destinations: readonly string[]): Map<string, RouteOutcome> {
  return new Map(
    destinations.map((text) => {
      const destination = parseSubnet(text);
      const key = ledgerKey(table, destination);
      const node = parseNodeId('i-1');
      const row: LedgerRow = { table, destination, target: 'eni-1', epoch: 1, node, state: 'refused', generation: 1 };
      return [key, { key, row, result: 'refused', code, why: 'no right' }];
    }),
  );
}

const quiet = { how: 'done', findings: [], doubted: [], outcomes: new Map() } as const;

describe('what the log of the function says of troubles', () => {
  it('is one line for a right that a thousand routes lack, and one when it is over', () => {
    const log = new ListLog();
    const troubles = new Troubles(log);
    const denied = { ...quiet, outcomes: outcomes('CLOUD_DENIED', 'rtb-1', '10.42.1.0/24', '10.42.2.0/24') };
    troubles.told(denied);
    troubles.told(denied);
    assert.deepEqual(
      log.lines.map(({ level, message, fields }) => [level, message, fields['code'], fields['count']]),
      [['warn', 'routes cannot be brought further', 'CLOUD_DENIED', 2]],
    );
    troubles.told(quiet);
    assert.deepEqual(log.lines.at(-1)?.message, 'it is over');
    troubles.told(quiet);
    assert.equal(log.lines.length, 2);
  });

  it('is not that it is over, by a run that was cut or found another at work', () => {
    const log = new ListLog();
    const troubles = new Troubles(log);
    troubles.told({ ...quiet, outcomes: outcomes('CLOUD_CONFLICT', 'rtb-1', '10.42.1.0/24') });
    troubles.told({ ...quiet, how: 'cut' });
    troubles.told({ ...quiet, how: 'busy' });
    troubles.told({ ...quiet, outcomes: outcomes('CLOUD_CONFLICT', 'rtb-1', '10.42.1.0/24') });
    assert.equal(log.lines.length, 1);
  });
});
