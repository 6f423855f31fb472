/** A small HTTP server over a list of routes: bounded in time and size, since whoever reaches the port may send anything. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { refusal, text, type Answer, type Route } from './routes.ts';

const LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
};
const MAX_CONNECTIONS = 64;
/** Without a byte taken. */
const TAKE_WITHIN_MS = 10_000;

/** How long an answer that is on its way may take when the daemon ends. */
const CLOSE_WITHIN_MS = 1_000;

/** Listens before it resolves, and closes when the signal fires. Rejects with the system's error when it cannot listen. */
export async function serve(
  listen: { readonly host: string; readonly port: number } | { readonly path: string },
  routes: readonly Route[],
  signal: AbortSignal,
): Promise<{ readonly port: number; readonly closed: Promise<void> }> {
  const server = createServer(
    { ...LIMITS, keepAlive: false },
    (request, response) => void respond(request, response, routes),
  );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen, resolve);
  });
  // A connection that cannot be accepted (too many open files) is the client's loss, not ours.
  server.removeAllListeners('error').on('error', () => undefined);
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, closed: closing(server, signal) };
}

function closing(server: Server, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const close = (): void => {
      server.close(() => resolve());
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN_MS).unref();
    };
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
  });
}

async function respond(request: IncomingMessage, response: ServerResponse, routes: readonly Route[]): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.on('error', () => undefined);
  // Nothing that is asked has a body; what comes is thrown away, up to the time limit.
  request.on('error', () => undefined).resume();
  const answer = await answerOf(request, routes, gone.signal);
  response.writeHead(answer.status, {
    'content-type': answer.type,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-store',
    connection: 'close',
    ...(answer.status === 405 ? { allow: 'GET, HEAD' } : {}),
  });
  // Whoever does not read what he asked for holds a connection, and a megabyte where there are thousands of peers.
  response.setTimeout(TAKE_WITHIN_MS, () => response.destroy());
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

async function answerOf(request: IncomingMessage, routes: readonly Route[], signal: AbortSignal): Promise<Answer> {
  const [path = '/'] = (request.url ?? '/').split('?');
  const found = routes.filter((route) =>
    route.path.endsWith('/') ? path.startsWith(route.path) : path === route.path,
  );
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = found.find((one) => one.method === method);
  if (found.length === 0) return text(404, `nothing is at ${path.slice(0, 100)}`);
  if (route === undefined) return text(405, `${path.slice(0, 100)} takes ${found.map((one) => one.method).join(', ')}`);
  try {
    return await route.answer(decodeURIComponent(path.slice(route.path.length)), signal);
  } catch (error) {
    return refusal(error, error instanceof URIError ? 400 : 500);
  }
}
