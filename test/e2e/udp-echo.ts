/**
 * UDP datagrams of every size, checked byte by byte: run in one namespace as `serve PORT`, in another as `send ADDRESS PORT`. The server sends each back. At the end of its
 * stdin the sender prints `SENT ANSWERED WRONG`.
 */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';

const EVERY_MS = 5;
/** Most are of one packet, odd and even; some are cut into dozens of fragments. */
const SMALL_BYTES = 1444;
const LARGE_BYTES = 40_000;
const LARGE_EVERY = 50;
const SEQUENCE_BYTES = 4;
/** An answer that has not come by then after the one before does not come. */
const QUIET_MS = 500;

const [mode, first = '', second = ''] = process.argv.slice(2);

/** By its sequence alone everybody knows what a datagram holds. */
function datagram(sequence: number): Buffer {
  const digest = createHash('sha512').update(String(sequence)).digest();
  const bound = sequence % LARGE_EVERY === 0 ? LARGE_BYTES : SMALL_BYTES;
  const bytes = Buffer.alloc(SEQUENCE_BYTES + (digest.readUInt32BE(0) % (bound - SEQUENCE_BYTES)), digest);
  bytes.writeUInt32BE(sequence, 0);
  return bytes;
}

const socket = createSocket('udp4');
if (mode === 'serve') {
  socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address));
  socket.bind(Number(first), '0.0.0.0', () => console.log('ready'));
} else {
  let [sent, answered, wrong] = [0, 0, 0];
  socket.on('message', (bytes) => {
    answered += 1;
    if (bytes.length < SEQUENCE_BYTES || !bytes.equals(datagram(bytes.readUInt32BE(0)))) wrong += 1;
  });
  socket.connect(Number(second), first, () => {
    console.log('ready');
    // What the network says of an earlier one is no matter of this program's.
    socket.on('error', () => {});
    const timer = setInterval(() => socket.send(datagram(sent++)), EVERY_MS);
    process.stdin.resume();
    process.stdin.on('end', () => {
      clearInterval(timer);
      // The last are on their way, for as long as some come.
      let before = -1;
      const end = setInterval(() => {
        if (answered < sent && answered > before) return void (before = answered);
        clearInterval(end);
        console.log(`${sent} ${answered} ${wrong}`);
        socket.close();
      }, QUIET_MS);
    });
  });
}
