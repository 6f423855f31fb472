/**
 * Ports of loopback for programs that have to be told one. What the kernel gives for port 0 it may give to another, or to a connection, before our
 * program listens there, and again while it is down between two starts. It gives none below its own range (ip(7), ip_local_port_range: from 32768 on),
 * and processes whose numbers are near each other, as those of tests that run beside each other are, look in different places there.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';

const FIRST = 16_384;
const COUNT = 16_384;
const EACH = 32;

let next = (process.pid * EACH) % COUNT;

/** Never the same twice in a process. */
export async function ownPort(): Promise<number> {
  for (let tried = 0; tried < COUNT; tried++) {
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${FIRST} to ${FIRST + COUNT - 1} is free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
