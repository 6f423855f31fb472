/**
 * The lab's DynamoDB behind the gate, where roles' policies hold and the store's time can be put on. The gate stands beside the cloud's API; what it lets
 * through goes by a door, a small program in that namespace, since this process is in none of the world's.
 */
import { connect } from 'node:net';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Server } from 'node:http';
import type { Address } from '../../core/address.ts';
import { eventually } from '../eventually.ts';
import { startProcess, type LabProcess } from '../lab-process.ts';
import type { EmulatedAws } from './cloud.ts';
import { dynamoDBGate } from './dynamodb-gate.ts';
import { DynamoUpstream } from './dynamodb-upstream.ts';

export const GATE_PORT = 8002;

const DOOR_WITHIN_MS = 10_000;

/** Connections at a Unix socket go on to a TCP port. */
const DOOR = String.raw`
import net from 'node:net';
const [, path, host, port] = process.argv;
net.createServer((near) => {
  const far = net.connect(Number(port), host);
  for (const [one, other] of [[near, far], [far, near]]) {
    one.pipe(other);
    one.on('error', () => other.destroy()).on('close', () => other.destroy());
  }
}).listen(path);
`;

export interface StoreGatePlan {
  readonly cloud: EmulatedAws;
  readonly store: { readonly address: Address; readonly port: number };
  /** From where the store is reached. */
  readonly namespace: string;
  readonly folder: string;
}

export interface StoreGate {
  /** Not listening yet. */
  readonly server: Server;
  readonly door: LabProcess;
}

export async function openStoreGate(plan: StoreGatePlan, signal: AbortSignal): Promise<StoreGate> {
  const { cloud, store, namespace, folder } = plan;
  const socketPath = path.join(folder, 'store.sock');
  const program = [process.execPath, '--input-type=module', '--eval', DOOR];
  const door = startProcess({
    name: 'door',
    namespace,
    command: [...program, socketPath, store.address, String(store.port)],
    logFile: path.join(folder, 'door.log'),
  });
  await eventually(
    'the door to the store is open',
    DOOR_WITHIN_MS,
    () => {
      if (door.ending !== undefined) throw new Error(`the door to the store ended: ${door.ending}`);
      return existsSync(socketPath) ? { found: true } : { missing: `no ${socketPath}` };
    },
    signal,
  );
  const upstream = new DynamoUpstream(`http://${store.address}:${store.port}`, () => connect(socketPath));
  return { server: dynamoDBGate(cloud, upstream), door };
}
