import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { tryMac } from '../../src/core/mac.ts';
import { parseNodeId, type NodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { otherInstances } from '../../src/host/other-instances.ts';
import { instanceIdOf, openStateDirectory, readState, type StateDirectory } from '../../src/host/state-directory.ts';

const HOLDER = new URL('state-holder.js', import.meta.url).pathname;
const KEY = ['dynamodb://table', 'net1'];
const ID = instanceIdOf(KEY);
const A = parseNodeId('node-a');
const SUBNET = parseSubnet('10.42.7.0/24');

let directory: string;
let machineIdPath: string;
let opened: StateDirectory[];
let children: ChildProcess[];

const open = async (nodeId: NodeId | undefined, instanceKey: readonly string[] = KEY): Promise<StateDirectory> => {
  const state = await openStateDirectory({ directory, instanceKey, nodeId, machineIdPath });
  opened.push(state);
  return state;
};
/** One open, and closed again. */
const start = async (nodeId: NodeId | undefined, instanceKey?: readonly string[]): Promise<StateDirectory> => {
  const state = await open(nodeId, instanceKey);
  await state.close();
  return state;
};
const known = (): ReturnType<typeof readState> => readState({ directory, instanceKey: KEY });

/** Another daemon; its first line. */
async function startProcess(...keys: string[]): Promise<{ child: ChildProcess; lines: Record<string, unknown>[] }> {
  const child = spawn(process.execPath, [HOLDER, directory, machineIdPath, 'node-a', ...keys], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: Record<string, unknown>[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(JSON.parse(line));
    if (lines.length === keys.length) break;
  }
  return { child, lines };
}

beforeEach(() => {
  directory = join(mkdtempSync(join(os.tmpdir(), 'weft-state-')), 'state');
  machineIdPath = join(directory, '..', 'machine-id');
  writeFileSync(machineIdPath, '0123456789abcdef0123456789abcdef\n');
  opened = [];
  children = [];
});
afterEach(async () => {
  for (const state of opened) await state.close();
  for (const child of children) if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
  rmSync(join(directory, '..'), { recursive: true, force: true });
});

describe('the state of a daemon', () => {
  it('is remembered over restarts, and each start counts', async () => {
    const first = await open(A);
    const { probeKey, ...rest } = first.remembered;
    assert.deepEqual(rest, { node: 'node-a', incarnation: 1 });
    assert.match(probeKey ?? '', /^[A-Za-z0-9_-]{43}$/);
    await first.remember({ network: parseSubnet('10.42.0.0/16'), subnet: SUBNET });
    await first.remember({ vtepMac: tryMac('02:00:00:00:00:01') });
    await first.close();
    const second = await open(A);
    assert.deepEqual(second.remembered, {
      node: 'node-a',
      incarnation: 2,
      network: '10.42.0.0/16',
      subnet: '10.42.7.0/24',
      vtepMac: '02:00:00:00:00:01',
      // Peers know its public half.
      probeKey,
    });
    assert.deepEqual(second.instance, first.instance);
  });

  it('forgets what it is told to forget', async () => {
    const state = await open(A);
    await state.remember({ subnet: SUBNET, previousNetworks: [parseSubnet('10.9.0.0/16')] });
    await state.remember({ subnet: undefined });
    const { probeKey } = state.remembered;
    assert.deepEqual((await known())?.remembered, {
      node: 'node-a',
      incarnation: 1,
      previousNetworks: ['10.9.0.0/16'],
      probeKey,
    });
    assert.deepEqual(state.remembered, (await known())?.remembered);
  });

  it('reads the Network before a change as daemons before there was a list wrote it', async () => {
    await start(A);
    const file = join(directory, ID, 'state.json');
    const { form, node, incarnation, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
    const rewrite = (more: object): void =>
      writeFileSync(file, JSON.stringify({ form, node, incarnation, network: '10.42.0.0/16', ...more, ...rest }));
    rewrite({ previousNetwork: '10.9.0.0/16' });
    assert.deepEqual((await known())?.remembered.previousNetworks, ['10.9.0.0/16']);
    // None.
    rewrite({ previousNetwork: '10.42.0.0/16' });
    assert.equal((await known())?.remembered.previousNetworks, undefined);
    rewrite({ previousNetworks: ['10.9.0.0/16', 'nonsense'] });
    await assert.rejects(known, { code: 'STATE_UNREADABLE', message: /"previousNetworks": "nonsense" cannot be read/ });
  });

  it('tells of the other daemons of the host that run, and of their Networks', async () => {
    const own = await open(A);
    const other = await open(A, ['etcd://other']);
    await other.remember({ network: parseSubnet('10.43.0.0/16'), previousNetworks: [parseSubnet('10.9.0.0/16')] });
    const gone = await open(A, ['etcd://gone']);
    await gone.remember({ network: parseSubnet('10.44.0.0/16') });
    await gone.close();
    await open(A, ['etcd://just starting']);
    const others = (): ReturnType<typeof otherInstances> => otherInstances(directory, own.instance.id);
    assert.deepEqual(await others(), [
      { folder: other.directory, network: '10.43.0.0/16', previousNetworks: ['10.9.0.0/16'] },
    ]);
    await other.close();
    assert.deepEqual(await others(), []);
    assert.deepEqual(await otherInstances(join(directory, 'nowhere'), own.instance.id), []);
  });

  it('keeps all of many changes made at once', async () => {
    const state = await open(A);
    await Promise.all([
      state.remember({ subnet: SUBNET }),
      state.remember({ network: parseSubnet('10.42.0.0/16') }),
      state.remember({ vtepMac: tryMac('02:00:00:00:00:01') }),
    ]);
    assert.deepEqual(Object.keys((await known())?.remembered ?? {}), [
      'node',
      'incarnation',
      'network',
      'subnet',
      'vtepMac',
      'probeKey',
    ]);
  });

  it('is not written when nothing changes', async () => {
    const state = await open(A);
    await state.remember({ subnet: SUBNET });
    const before = statSync(join(state.directory, 'state.json')).ino;
    await state.remember({ subnet: SUBNET });
    assert.equal(statSync(join(state.directory, 'state.json')).ino, before);
  });

  it('is for root’s eyes alone', async () => {
    const state = await open(A);
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    assert.deepEqual([mode(directory), mode(state.directory)], ['700', '700']);
    assert.deepEqual(
      readdirSync(state.directory).map((name) => `${name} ${mode(join(state.directory, name))}`),
      ['lock 600', 'state.json 600'],
    );
  });

  it('that cannot be read stops the start, names the file and what to do, and leaves it alone', async () => {
    const state = await start(A);
    const path = join(state.directory, 'state.json');
    const broken = [
      '',
      '{"form":1,',
      '[]',
      '{"form":2,"node":"a","incarnation":1}',
      '{"form":1,"node":"a"}',
      '{"form":1,"incarnation":1}',
      '{"form":1,"node":"a","incarnation":1,"subnet":"10.42"}',
    ];
    for (const text of broken) {
      writeFileSync(path, text);
      await assert.rejects(
        open(A),
        {
          code: 'STATE_UNREADABLE',
          message: new RegExp(`^state file ${path}: `),
          hint: new RegExp(`^Move ${path} away`),
        },
        text,
      );
      await assert.rejects(known(), { code: 'STATE_UNREADABLE' });
      assert.equal(readFileSync(path, 'utf8'), text);
    }
    rmSync(path);
    assert.equal((await open(A)).remembered.incarnation, 1);
  });

  it('is read beside the daemon without a lock, without counting, and is unknown where none ran', async () => {
    assert.equal(await known(), undefined);
    assert.equal(existsSync(directory), false);
    const state = await open(A);
    assert.deepEqual(await known(), {
      instance: state.instance,
      directory: state.directory,
      remembered: state.remembered,
    });
    assert.equal(state.directory, join(directory, ID));
  });
});

const outcome = (line: Record<string, unknown> | undefined): string =>
  line?.['code'] === undefined ? 'open' : JSON.stringify(line['code']);

describe('the lock of an instance', () => {
  it('keeps a second daemon out and names the first', async () => {
    const { child, lines } = await startProcess(KEY.join(' '));
    assert.equal(lines[0]?.['incarnation'], 1);
    await assert.rejects(open(A, [KEY.join(' ')]), {
      code: 'INSTANCE_RUNNING',
      message: new RegExp(`as process ${child.pid} `),
    });
    assert.equal(
      (await readState({ directory, instanceKey: [KEY.join(' ')] }))?.remembered.incarnation,
      1,
      'which has not counted',
    );
  });

  it('goes with a process that is killed', async () => {
    const { child } = await startProcess('x');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal((await open(A, ['x'])).remembered.incarnation, 2);
  });

  it('is not passed on to programs that the daemon starts', async () => {
    const state = await open(A);
    const child = spawn('sleep', ['60']);
    children.push(child);
    await once(child, 'spawn');
    await state.close();
    await open(A);
  });

  it('has exactly one winner among many that start at once', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, () => startProcess('x')));
    assert.deepEqual(all.map(({ lines }) => outcome(lines[0])).toSorted(), [
      ...Array<string>(5).fill('"INSTANCE_RUNNING"'),
      'open',
    ]);
  });
});
