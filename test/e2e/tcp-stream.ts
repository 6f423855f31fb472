/**
 * One TCP connection that goes on until it is told to end, checked byte by byte: run in one namespace as `serve PORT`, in another as `send ADDRESS PORT`. Each prints
 * `BYTES SHA256` of what it has taken or sent, at its end.
 */
import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';

const [mode, first = '', second = ''] = process.argv.slice(2);
const say = (bytes: number, digest: string): void => void process.stdout.write(`${bytes} ${digest}\n`);

function serve(port: number): void {
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    const hash = createHash('sha256');
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      hash.update(chunk);
      // The way back is part of the stream.
      socket.write(`${bytes}\n`);
    });
    socket.on('end', () => {
      say(bytes, hash.digest('hex'));
      server.close();
    });
  });
  server.listen(port, '0.0.0.0', () => process.stdout.write('ready\n'));
}

function send(address: string, port: number): void {
  const hash = createHash('sha256');
  let bytes = 0;
  const socket = connect({ host: address, port }, () => {
    process.stdout.write('ready\n');
    const timer = setInterval(() => {
      const chunk = createHash('sha512').update(String(bytes)).digest();
      bytes += chunk.length;
      hash.update(chunk);
      socket.write(chunk);
    }, 10);
    process.stdin.on('end', () => {
      clearInterval(timer);
      socket.end();
      say(bytes, hash.digest('hex'));
    });
    process.stdin.resume();
  });
  socket.resume();
}

if (mode === 'serve') serve(Number(first));
else send(first, Number(second));
