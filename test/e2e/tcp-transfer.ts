/**
 * Runs as a program in a container: sends or receives a stream of chance bytes and prints its SHA-256.
 *
 *   node tcp-transfer.js receive PORT
 *   node tcp-transfer.js send PORT ADDRESS MEGABYTES
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const [way, port, address, megabytes] = process.argv.slice(2);
const hash = createHash('sha256');

if (way === 'receive') {
  const server = createServer((socket) => {
    socket.on('data', (part) => hash.update(part));
    socket.on('end', () => {
      console.log(hash.digest('hex'));
      socket.end();
      server.close();
    });
  }).listen(Number(port));
} else {
  const socket = connect(Number(port), address);
  for (let sent = 0; sent < Number(megabytes); sent++) {
    const part = randomBytes(1 << 20);
    hash.update(part);
    if (!socket.write(part)) await once(socket, 'drain');
  }
  socket.end();
  socket.resume();
  await once(socket, 'close');
  console.log(hash.digest('hex'));
}
