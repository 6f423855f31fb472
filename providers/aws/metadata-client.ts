/**
 * The instance metadata service, version 2: a token first, which is asked for anew before it ends and when it is refused. Nothing here waits for a
 * server that is not there: see `imds.ts`.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
 */
import { request, type IncomingMessage } from 'node:http';
import type { Clock } from '../../src/contracts/clock.ts';
import { WeftError } from '../../src/core/errors.ts';

export interface MetadataOptions {
  readonly clock: Clock;
  /** Else AWS_EC2_METADATA_SERVICE_ENDPOINT, or the address that every instance has it at. */
  readonly endpoint?: string;
  readonly timeoutMs?: number;
}

const ENDPOINT = 'http://169.254.169.254';
const TOKEN_SECONDS = 21_600;
/** A token is not used in the last part of its life: the request that carries it takes time. */
const SPARE_MS = 60_000;
/** Lists of interfaces are the longest that we ask for. */
const MAX_BYTES = 64 * 1024;
const TOKEN = /^[!-~]{1,512}$/;

interface Reply {
  readonly status: number;
  readonly text: string;
}

export class MetadataClient {
  readonly #clock: Clock;
  readonly #endpoint: string;
  readonly #timeoutMs: number;
  #token: { readonly text: string; readonly untilMs: number } | undefined;

  constructor({ clock, endpoint, timeoutMs = 2000 }: MetadataOptions) {
    this.#clock = clock;
    this.#endpoint = endpoint ?? process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? ENDPOINT;
    this.#timeoutMs = timeoutMs;
  }

  /** What stands below `latest/meta-data/`; undefined: nothing does. @throws WeftError CLOUD_UNREACHABLE, ABORTED */
  async get(path: string, signal: AbortSignal): Promise<string | undefined> {
    for (let fresh = false; ; fresh = true) {
      const token = await this.#ownToken(fresh, signal);
      const { status, text } = await this.#ask(
        'GET',
        `/latest/meta-data/${path}`,
        { 'x-aws-ec2-metadata-token': token },
        signal,
      );
      if (status === 200) return text;
      if (status === 404) return undefined;
      if (status !== 401 || fresh) throw this.#trouble(`answers ${path} with HTTP status ${status}`);
    }
  }

  async #ownToken(fresh: boolean, signal: AbortSignal): Promise<string> {
    if (!fresh && this.#token !== undefined && this.#clock.now() < this.#token.untilMs) return this.#token.text;
    const sentAt = this.#clock.now();
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_SECONDS) };
    const { status, text } = await this.#ask('PUT', '/latest/api/token', headers, signal);
    if (status === 403) {
      throw this.#trouble(
        'gives no token (HTTP status 403)',
        'Switch it on for this instance (HttpEndpoint enabled), or start with --cloud none.',
      );
    }
    if (status !== 200) throw this.#trouble(`gives no token (HTTP status ${status})`);
    if (!TOKEN.test(text)) throw this.#trouble(`gave ${shown(text)} for a token`);
    this.#token = { text, untilMs: sentAt + TOKEN_SECONDS * 1000 - SPARE_MS };
    return text;
  }

  async #ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Reply> {
    try {
      return await ask(new URL(path, this.#endpoint), { method, headers, timeoutMs: this.#timeoutMs, signal });
    } catch (error) {
      if (signal.aborted)
        throw new WeftError('ABORTED', 'the question to the metadata server was ended', { cause: error });
      throw this.#trouble(
        error instanceof Error ? error.message : String(error),
        'In a container the hop limit of its answers may be too low: HttpPutResponseHopLimit 2.',
        error,
      );
    }
  }

  #trouble(what: string, hint?: string, cause?: unknown): WeftError {
    return new WeftError('CLOUD_UNREACHABLE', `the metadata server at ${this.#endpoint}: ${what}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** As much of a text as a person needs to see what it is. */
export const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);

interface Question {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

function ask(url: URL, { method, headers, timeoutMs, signal }: Question): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const own = request(url, { method, headers, signal, agent: false });
    // Of the whole exchange: a server that sends a byte now and then is late too.
    const timer = setTimeout(() => own.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    own.on('error', fail);
    own.on('response', (response: IncomingMessage) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('error', fail);
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > MAX_BYTES) own.destroy(new Error(`an answer of more than ${MAX_BYTES} bytes`));
        else parts.push(part);
      });
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8').trim() });
      });
    });
    own.end();
  });
}
