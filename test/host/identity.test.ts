import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { parseNodeId, type NodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { machineNodeId } from '../../src/host/node-identity.ts';
import { instanceIdOf, openStateDirectory, type StateDirectory } from '../../src/host/state-directory.ts';

const A = parseNodeId('node-a');
const B = parseNodeId('node-b');
const SUBNET = parseSubnet('10.42.7.0/24');

let folder: string;
let machineIdPath: string;

const open = (nodeId: NodeId | undefined, instanceKey = ['dynamodb://table']): Promise<StateDirectory> =>
  openStateDirectory({ directory: join(folder, 'state'), instanceKey, nodeId, machineIdPath });
/** One open, and closed again. */
const start = async (nodeId: NodeId | undefined, instanceKey?: string[]): Promise<StateDirectory> => {
  const state = await open(nodeId, instanceKey);
  await state.close();
  return state;
};

beforeEach(() => {
  folder = mkdtempSync(join(os.tmpdir(), 'weft-identity-'));
  machineIdPath = join(folder, 'machine-id');
  writeFileSync(machineIdPath, '0123456789abcdef0123456789abcdef\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the id of an instance', () => {
  it('depends on store, prefix and network, and on no secret', () => {
    const ids = [
      ['etcd://root:hunter2@10.0.0.1:2379', '/coreos.com/network', ''],
      ['etcd://10.0.0.1:2379', '/coreos.com/network', ''],
      ['etcd://10.0.0.1:2379?password=x', '/coreos.com/network', ''],
      ['etcd://10.0.0.1:2379', '/weft/network', ''],
      ['etcd://10.0.0.1:2379', '/coreos.com/network', 'blue'],
      ['etcd://10.0.0.2:2379', '/coreos.com/network', ''],
      ['dynamodb://leases?network=blue'],
    ].map(instanceIdOf);
    assert.equal(new Set(ids).size, 5);
    assert.equal(ids[0], ids[1]);
    assert.equal(ids[1], ids[2]);
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}$/);
  });
});

describe('the id of a node', () => {
  it('is the operator’s, else the remembered, else the machine’s', async () => {
    const machine = await machineNodeId(machineIdPath);
    assert.equal((await start(undefined, ['1'])).remembered.node, machine);
    assert.equal((await start(A, ['2'])).remembered.node, A);
    rmSync(machineIdPath);
    assert.equal((await start(undefined, ['2'])).remembered.node, A);
    assert.equal(
      (await start(undefined, ['1'])).remembered.node,
      machine,
      'also when the machine has another id by now',
    );
  });

  it('may change while the node holds no subnet, and not after', async () => {
    await start(A);
    const state = await open(B);
    const { node, incarnation } = state.remembered;
    assert.deepEqual({ node, incarnation }, { node: 'node-b', incarnation: 2 });
    await state.remember({ subnet: SUBNET });
    await state.close();
    await assert.rejects(open(A), {
      code: 'BAD_OPTION',
      message: `--node-id node-a: this host is node node-b, which holds subnet 10.42.7.0/24 (${state.directory}/state.json)`,
      hint: 'Start it as node-b, or release the subnet with "weftd drain" first.',
    });
    assert.equal((await start(B)).remembered.incarnation, 3, 'the start that failed did not count');
  });

  it('by the machine is what systemd makes of it, and does not show it', async () => {
    const id = await machineNodeId(machineIdPath);
    assert.match(id, /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    assert.equal(id.includes('0123456789'), false);
    const systemd = spawnSync('systemd-id128', ['machine-id', '--app-specific=7e699fe1a8ed4c979a3289ca272595d0'], {
      encoding: 'utf8',
    });
    if (systemd.status === 0) assert.equal(await machineNodeId('/etc/machine-id'), systemd.stdout.trim());
  });

  it('is asked for when the machine has none', async () => {
    for (const text of ['', 'uninitialized\n', '00000000000000000000000000000000\n']) {
      writeFileSync(machineIdPath, text);
      await assert.rejects(open(undefined), {
        code: 'BAD_OPTION',
        hint: 'Give this host a name of its own with --node-id.',
      });
    }
    rmSync(machineIdPath);
    await assert.rejects(open(undefined), { code: 'BAD_OPTION', message: /ENOENT/ });
  });
});
