/** From which address a container is spoken to, as it sees it itself. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Container } from '../../src/lab/container.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { runIn } from '../../src/lab/namespaces.ts';
import { becomes } from './becomes.ts';

const PORT = 7000;
const LISTEN = `require('node:dgram').createSocket('udp4', (_, { address }) => { console.log(address); process.exit(); }).bind(${PORT}, () => console.log('listening'))`;
const send = (to: string, from: string): string =>
  `const s = require('node:dgram').createSocket('udp4'); s.bind(0, '${from}', () => s.send('x', ${PORT}, '${to}', () => s.close()))`;

let asked = 0;

/** @param from the address that the sender, in that namespace, binds itself to */
export async function sourceSeen(lab: Lab, namespace: string, from: string, to: Container): Promise<string> {
  const logFile = path.join(lab.folder, `source-${(asked += 1)}.txt`);
  const command = [process.execPath, '-e', LISTEN];
  const listener = lab.start({ name: 'source', namespace: to.name, command, logFile });
  const heard = (): string[] => readFileSync(logFile, 'utf8').trim().split('\n');
  await becomes('it listens', 'listening', () => heard()[0]);
  await runIn(namespace, [process.execPath, '-e', send(to.address, from)]);
  await listener.ended;
  return heard()[1] ?? '';
}
