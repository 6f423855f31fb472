/**
 * One TCP connection that goes on until it is told to end, checked byte by byte: run in one namespace as `serve PORT`, in another as `send ADDRESS PORT`. Each prints
 * `BYTES SHA256` of what it has taken or sent, at its end. To each line on its stdin the sender says how many bytes the other end has told it to have.
 */
import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';

/** A full segment of the largest MTU and more, so that a path which carries small packets alone is found out. */
const DIGESTS = 192;
const EVERY_MS = 10;
/** While no path works, what waits is enough. */
const MOST_WAITING_BYTES = 1 << 20;

const [mode, first = '', second = ''] = process.argv.slice(2);
const say = (...words: readonly (number | string)[]): void => void process.stdout.write(`${words.join(' ')}\n`);

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
  server.listen(port, '0.0.0.0', () => say('ready'));
}

function send(address: string, port: number): void {
  const hash = createHash('sha256');
  let bytes = 0;
  let told = '';
  const socket = connect({ host: address, port }, () => {
    say('ready');
    const timer = setInterval(() => {
      if (socket.writableLength > MOST_WAITING_BYTES) return;
      const digest = createHash('sha512').update(String(bytes)).digest();
      const chunk = Buffer.concat(Array.from({ length: DIGESTS }, () => digest));
      bytes += chunk.length;
      hash.update(chunk);
      socket.write(chunk);
    }, EVERY_MS);
    process.stdin.on('data', () => say(told.split('\n').at(-2) ?? 0));
    process.stdin.on('end', () => {
      clearInterval(timer);
      socket.end();
      say(bytes, hash.digest('hex'));
    });
  });
  socket.on('data', (part) => {
    told = (told + part.toString('latin1')).slice(-100);
  });
}

if (mode === 'serve') serve(Number(first));
else send(first, Number(second));
