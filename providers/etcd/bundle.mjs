/** What etcd3 and its packages need to be bundled, as plugins of esbuild. */
import { readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** @param shortened shortens the names in a text */
export const bundlesEtcd = (shortened) => [protosInside(shortened), noAddressAsServerName(shortened)];

/**
 * etcd3 parses its .proto files when it is loaded, from beside itself; the bundle has none beside it. They become JSON here, in the form that
 * the same parser makes of them, with the calls that we make alone: all of it costs a start a tenth of its time.
 */
const protosInside = (shortened) => ({
  name: 'protos-inside',
  setup({ onLoad }) {
    onLoad({ filter: /\/etcd3\/lib\/connection-pool\.js$/ }, async ({ path: file }) => {
      const require = createRequire(createRequire(file).resolve('@grpc/proto-loader'));
      const { Root } = require('protobufjs');
      const root = new Root().loadSync(path.join(path.dirname(file), '../proto/rpc.proto'), { keepCase: true });
      const code = await readFile(file, 'utf8');
      const call = '.loadSync)(`${__dirname}/../proto/rpc.proto`,';
      if (!code.includes(call)) throw new Error('etcd3 loads its .proto files in another way than it did');
      const json = JSON.stringify(ofCalls(root.toJSON(), callsToEtcd()));
      return { contents: await shortened(code.replace(call, () => `.fromJSON)(${json},`)) };
    });
    // What it would make for those who ask a client to describe itself, nobody asks for.
    onLoad({ filter: /\/@grpc\/proto-loader\/build\/src\/index\.js$/ }, async ({ path: file }) => {
      let code = await readFile(file, 'utf8');
      for (const [from, to] of [
        [`root.toDescriptor('proto3').file`, '[]'],
        [`message.toDescriptor('proto3')`, 'undefined'],
        ['messageDescriptor.$type.toObject(messageDescriptor, descriptorOptions)', '{}'],
        ['require("protobufjs/ext/descriptor")', '{}'],
        ['(0, util_1.addCommonProtos)();', ''],
      ]) {
        if (!code.includes(from)) throw new Error('@grpc/proto-loader describes messages in another way than it did');
        code = code.replace(from, to);
      }
      return { contents: await shortened(code) };
    });
  },
});

/** As the provider's source says, by service; logging in is etcd3's own. */
function callsToEtcd() {
  const folder = path.dirname(fileURLToPath(import.meta.url));
  const calls = { KV: [], Watch: [], Lease: [], Auth: ['authenticate'] };
  const services = { kv: 'KV', watchClient: 'Watch', leaseClient: 'Lease', authClient: 'Auth' };
  for (const file of readdirSync(folder)) {
    const text = readFileSync(path.join(folder, file), 'utf8');
    for (const [, client, method] of text.matchAll(/\b(\w+Client|kv)\.(\w+)\(/g)) {
      if (!(client in services)) throw new Error(`${file} calls ${client}, of which bundle.mjs knows no service`);
      calls[services[client]].push(method);
    }
  }
  return calls;
}

/** The services with these methods alone, and the messages that those need. */
function ofCalls({ nested }, calls) {
  const all = new Map(Object.values(nested).flatMap((space) => Object.entries(space.nested)));
  const needed = new Set();
  const need = (type) => {
    const name = type.split('.').at(-1);
    if (needed.has(name) || !all.has(name)) return;
    needed.add(name);
    for (const [, field] of JSON.stringify(all.get(name)).matchAll(/"type":"([^"]+)"/g)) need(field);
  };
  const kept = {};
  for (const [service, methods] of Object.entries(calls)) {
    const found = Object.entries(all.get(service).methods).filter(([name]) =>
      methods.some((method) => method.toLowerCase() === name.toLowerCase()),
    );
    const bare = ({ requestType, requestStream, responseType, responseStream }) =>
      // JSON leaves out what is undefined.
      ({ requestType, requestStream, responseType, responseStream });
    kept[service] = { methods: Object.fromEntries(found.map(([name, method]) => [name, bare(method)])) };
    for (const [, { requestType, responseType }] of found) [requestType, responseType].forEach(need);
  }
  const space = ([name, { nested: inside, ...rest }]) => {
    const entries = Object.entries(inside).flatMap(([key, it]) =>
      needed.has(key) ? [[key, it]] : key in kept ? [[key, kept[key]]] : [],
    );
    return [name, { ...rest, nested: Object.fromEntries(entries) }];
  };
  return { nested: Object.fromEntries(Object.entries(nested).map(space)) };
}

/**
 * gRPC names the server to TLS also where the name is an IP address, which RFC 6066 forbids and Node warns of (DEP0123). Without one Node names none, and still holds the
 * certificate against the address.
 */
const noAddressAsServerName = (shortened) => ({
  name: 'no-address-as-server-name',
  setup({ onLoad }) {
    onLoad({ filter: /\/grpc-js\/build\/src\/channel-credentials\.js$/ }, async ({ path: file }) => {
      const code = await readFile(file, 'utf8');
      const line = 'connectionOptions.servername = remoteHost;';
      if (!code.includes(line)) throw new Error('gRPC names the server to TLS in another way than it did');
      const named = `connectionOptions.servername = require('node:net').isIP(remoteHost) ? '' : remoteHost;`;
      return { contents: await shortened(code.replace(line, named)) };
    });
  },
});
