import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { buildAccount } from '../../../src/lab/aws/account.ts';
import { AWS_USAGE, runAws } from '../../../src/lab/aws/aws-command.ts';
import { EmulatedAws } from '../../../src/lab/aws/cloud.ts';
import { apiServer } from '../../../src/lab/aws/api-server.ts';
import { OPERATION_NAMES } from '../../../src/lab/aws/lab-operations.ts';
import { printState } from '../../../src/lab/aws/print-state.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { PLAN, REGION } from './account-fixture.ts';

const COMMANDS = [...OPERATION_NAMES, 'deny', 'allow', 'fault', 'faults-clear', 'settings'];

/** What stands in the columns of the help's last part: what breaks something, and beside it what puts it right. */
function told(): readonly (readonly string[])[] {
  const [, table = ''] = AWS_USAGE.split('put right again:\n');
  const cells = table.split(/\n| {2,}/).map((cell) => cell.split(' '));
  return cells.filter(([command = '']) => COMMANDS.includes(command));
}

describe('weftd lab aws', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weft-aws-'));
  const socketPath = path.join(folder, 'aws.sock');
  let cloud: EmulatedAws;
  let server: Server;
  before(async () => {
    cloud = new EmulatedAws({ state: buildAccount([PLAN]), clock: new ManualClock(), region: REGION });
    server = apiServer(cloud);
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  });
  after(async () => {
    cloud.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  async function typed(words: readonly string[]): Promise<string> {
    let stdout = '';
    const io = {
      stdout: { write: (text: string) => (stdout += text) },
      stderr: { write: () => true },
      env: {},
      executable: '/nowhere/weftd.mjs',
    };
    assert.equal(await runAws(words, socketPath, io), 0, words.join(' '));
    return stdout;
  }

  it('has a command in its help for each fault of the cloud, and one that puts it right, which do as they say', async () => {
    await typed(['check', 'instance=b1', 'on=false']);
    const first = printState(cloud.state).join('\n');
    const all = told();
    const faults = ['kill-routes', 'quota', 'deny', 'fault', 'put-route', 'check', 'settings'];
    for (const fault of faults)
      assert.ok(
        all.some(([command]) => command === fault),
        fault,
      );
    for (const words of all) await typed(words);
    assert.equal(printState(cloud.state).join('\n'), first);
    assert.deepEqual(
      [
        cloud.authorizer({ who: 'b1', service: 'ec2', action: 'CreateRoute', parameters: {} }),
        cloud.settings.visibilityMs,
      ],
      [true, 0],
    );
    assert.equal(cloud.faults.standing.length, 1, 'the lost answer, which is over with the next call');
  });

  it('tells what machines do, and prints the events of it', async () => {
    await typed(['scaling-group', 'name=nodes', 'instances=a2', 'hook=drain', 'heartbeat=300']);
    await typed(['scale-in', 'instance=a2']);
    await typed(['clock', 'advance=300000']);
    const lines = (await typed(['events'])).trim().split('\n');
    assert.match(lines[0] ?? '', /"number":1,"event":\{"version":"0",.*EC2 Instance-terminate Lifecycle Action/);
    assert.match(lines[1] ?? '', /EC2 Instance State-change Notification.*"state":"shutting-down"/);
    assert.equal((await typed(['events', 'since=1'])).trim().split('\n')[0], lines[1]);
  });

  it('names its commands when it is given none that it knows', async () => {
    const io = { stdout: { write: () => true }, stderr: { write: () => true }, env: {}, executable: '/nowhere' };
    await assert.rejects(runAws(['dance'], socketPath, io), /no operation "dance": kill-routes/);
  });
});
