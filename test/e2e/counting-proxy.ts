/**
 * Runs as a program in the store's namespace: passes DynamoDB calls on and prints the name of each, one a line, before it is answered.
 *
 *   node counting-proxy.js LISTEN_PORT STORE_HOST STORE_PORT
 */
import { createServer, request } from 'node:http';

const [listenPort, host, port] = process.argv.slice(2);

createServer((incoming, outgoing) => {
  const target = incoming.headers['x-amz-target'];
  const call = String(target).split('.').at(-1);
  const parts: Buffer[] = [];
  incoming.on('data', (part: Buffer) => parts.push(part));
  incoming.on('end', () => {
    process.stdout.write(`${call}\n`);
    const { method, url: path, headers } = incoming;
    const passed = request({ host, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    passed.end(Buffer.concat(parts));
  });
}).listen(Number(listenPort));
