/** The instance metadata service, version 2 alone: a token first. It knows who asks by the address that the packets come from. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { EmulatedAws } from './cloud.ts';
import { metadataOf, nameOf, readTree } from './metadata-tree.ts';
import type { Instance } from './model.ts';

export const METADATA_ADDRESS = '169.254.169.254';
const TOKEN_PATH = /^\/+latest\/api\/token$/;
const LONGEST_TOKEN_S = 21_600;

/** The instance that has this address; undefined: nobody's, and no answer. */
export type AskerOf = (address: string) => Instance | undefined;

interface Token {
  readonly instance: string;
  readonly until: number;
}

/** By the addresses of the interfaces in one VPC. */
export const askersIn =
  (cloud: EmulatedAws, vpc: string): AskerOf =>
  (address) => {
    for (const it of cloud.state.interfaces.values()) {
      if (it.vpc === vpc && it.address === address) return cloud.state.instances.get(it.attachment?.instance ?? '');
    }
    return undefined;
  };

/** Not listening yet: who starts it knows in which namespace. */
export function metadataServer(cloud: EmulatedAws, askerOf: AskerOf): Server {
  const tokens = new Map<string, Token>();
  return createServer((request, response) => {
    response.on('error', () => {});
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    serve(cloud, askerOf, tokens, request, response, gone.signal).catch((error: unknown) => {
      if (gone.signal.aborted) return;
      response.statusCode = 500;
      response.end(error instanceof Error ? error.message : String(error));
    });
  });
}

async function serve(
  cloud: EmulatedAws,
  askerOf: AskerOf,
  tokens: Map<string, Token>,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  request.resume();
  // A socket of both families writes IPv4 so (RFC 4291, 2.5.5.2).
  const address = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const instance = askerOf(address);
  if (instance === undefined) return void request.socket.resetAndDestroy();
  const fault = cloud.metadataFaults.of(nameOf(cloud, instance.id));
  if (fault?.kind === 'absent') return void request.socket.resetAndDestroy();
  if (fault?.kind === 'silent') return;
  if (fault?.kind === 'slow') await cloud.clock.sleep(fault.ms, signal);
  if (fault?.kind === 'garbage') {
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<html><body>Please log in to the hotel</body></html>');
    return;
  }
  const { method, url = '/' } = request;
  if (TOKEN_PATH.test(url)) {
    if (fault?.kind === 'token-refused') return void response.writeHead(403).end();
    if (method !== 'PUT') return void response.writeHead(405).end();
    giveToken(cloud, tokens, instance, request, response);
    return;
  }
  if (method !== 'GET') return void response.writeHead(405).end();
  const token = tokens.get(String(request.headers['x-aws-ec2-metadata-token'] ?? ''));
  if (token?.instance !== instance.id || token.until <= cloud.clock.now()) return void response.writeHead(401).end();
  const text = readTree(metadataOf(cloud, instance), url.split('?')[0] ?? '/');
  if (text === undefined) return void response.writeHead(404, { 'content-type': 'text/html' }).end('404 - Not Found');
  response.writeHead(200, { 'content-type': 'text/plain' }).end(text);
}

function giveToken(
  cloud: EmulatedAws,
  tokens: Map<string, Token>,
  instance: Instance,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  // A request that a proxy passes on is not the instance's own.
  if (request.headers['x-forwarded-for'] !== undefined) return void response.writeHead(403).end();
  const header = 'x-aws-ec2-metadata-token-ttl-seconds';
  const seconds = Number(request.headers[header]);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > LONGEST_TOKEN_S)
    return void response.writeHead(400).end('400 - Bad Request');
  const now = cloud.clock.now();
  for (const [text, { until }] of tokens) if (until <= now) tokens.delete(text);
  const text = randomBytes(40).toString('base64');
  tokens.set(text, { instance: instance.id, until: now + seconds * 1000 });
  response.writeHead(200, { [header]: String(seconds), 'content-type': 'text/plain' }).end(text);
}
