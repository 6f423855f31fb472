/** The APIs over HTTP at one address, for the real SDKs and the AWS CLI, with the control endpoint beside it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { EmulatedAws } from './cloud.ts';
import { answerControl, CONTROL_PATH } from './control.ts';
import { answerCall, type Answer } from './api-call.ts';
import { readBody } from './http-body.ts';

/** Not listening yet: who starts it knows in which namespace. */
export function apiServer(cloud: EmulatedAws): Server {
  return createServer((request, response) => {
    // A caller who goes away in the middle concerns nobody else.
    response.on('error', () => {});
    serve(cloud, request, response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(error instanceof Error ? error.message : String(error));
    });
  });
}

async function serve(cloud: EmulatedAws, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'POST', url = '/', headers } = request;
  const body = await readBody(request);
  if (url.startsWith(CONTROL_PATH)) {
    const { status, value } = answerControl(cloud, method, url.slice(CONTROL_PATH.length), body);
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
    return;
  }
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  // SDKs set their clock by this header when a signature was too old.
  response.setHeader('date', new Date(cloud.now()).toUTCString());
  try {
    send(response, await answerCall(cloud, { method, url, headers, body }, gone.signal));
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}

function send(response: ServerResponse, { status, content: { type, text }, fault }: Answer): void {
  const bytes = Buffer.from(text);
  const headers = { 'content-type': type, 'content-length': bytes.length };
  switch (fault?.kind) {
    case 'reset-before':
    case 'reset-after':
      response.socket?.resetAndDestroy();
      return;
    case 'silence':
      return;
    case 'cut':
      response.writeHead(status, headers);
      response.write(bytes.subarray(0, bytes.length / 2), () => response.socket?.resetAndDestroy());
      return;
    case 'garbage':
      response.writeHead(status, { 'content-type': 'text/html' }).end('<html><body>It works!</html>');
      return;
    case 'error':
    case 'delay':
    case undefined:
      response.writeHead(status, headers).end(bytes);
  }
}
