/** What may be asked over HTTP, and by whom: the health server only reads, the control socket may also tell the daemon what to do. */
import { asWeftError, WeftError } from '../core/errors.ts';
import type { Status } from '../core/status.ts';
import type { Explanation } from './explain.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** A path, or the start of one when it ends in a slash. */
  readonly path: string;
  /** @param rest what follows the path, decoded */
  answer(rest: string, signal: AbortSignal): Answer | Promise<Answer>;
}

/** The answer to a drain. */
export interface Drained {
  /** Null: the daemon has taken its cloud routes away itself, or had none. */
  readonly routesLeftTo: 'reconciler' | null;
}

/** What the daemon answers with. */
export interface Asked {
  status(): Status;
  metrics(): Promise<Answer>;
  /** Undefined: no peer of that name. */
  explain(peer: string, signal: AbortSignal): Promise<Explanation | undefined>;
  wake(): void;
  /** Resolves when it is drained. */
  drain(): Promise<void>;
}

export const text = (status: number, body: string): Answer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});
export const json = (value: unknown, status = 200): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
});

export function refusal(error: unknown, status: number): Answer {
  const { code, message, hint } = asWeftError(error);
  return json({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }, status);
}

export const readRoutes = (asked: Asked): readonly Route[] => [
  { method: 'GET', path: '/healthz', answer: () => text(200, 'weftd is running') },
  {
    method: 'GET',
    path: '/readyz',
    answer: () => {
      const { ready, unready } = asked.status();
      return ready ? text(200, 'weftd is ready') : text(503, unready.join('\n'));
    },
  },
  { method: 'GET', path: '/status', answer: () => json(asked.status()) },
  { method: 'GET', path: '/metrics', answer: () => asked.metrics() },
];

/** flanneld's two answers, to the byte: whoever asks at that port may compare the words. Nothing more, since hosts far away may ask. */
export const flannelRoutes = (isReady: () => boolean): readonly Route[] => {
  const words = (status: number, body: string): Answer => ({ ...text(status, ''), body });
  return [
    { method: 'GET', path: '/healthz', answer: () => words(200, 'flanneld is running') },
    {
      method: 'GET',
      path: '/readyz',
      answer: () => (isReady() ? words(200, 'flanneld is ready') : words(503, 'flanneld is not ready yet')),
    },
  ];
};

export const controlRoutes = (asked: Asked): readonly Route[] => [
  ...readRoutes(asked),
  {
    method: 'GET',
    path: '/explain/',
    answer: async (rest, signal) => {
      const explanation = await asked.explain(rest, signal);
      if (explanation !== undefined) return json(explanation);
      return refusal(
        new WeftError('BAD_OPTION', `no peer has the node id, subnet or public IP "${rest}"`, {
          hint: 'weftd status lists the peers',
        }),
        404,
      );
    },
  },
  {
    method: 'POST',
    path: '/wake',
    answer: () => {
      asked.wake();
      return json({});
    },
  },
  {
    method: 'POST',
    path: '/drain',
    answer: async () => {
      const left: Drained = { routesLeftTo: asked.status().cloud?.writer === 'reconciler' ? 'reconciler' : null };
      await asked.drain();
      return json(left);
    },
  },
];
