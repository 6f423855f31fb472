import type { Drained } from '../agent/routes.ts';
import type { Action } from './command.ts';
import { daemonJson } from './daemon-answer.ts';
import { askDaemon } from './find-daemon.ts';

/** The daemon withdraws, waits until its peers have seen it, and releases; each step has its own patience. */
const WITHIN_MS = 120_000;

export const drain: Action = async (invocation) => {
  const { routesLeftTo } = daemonJson<Drained>(
    await askDaemon(invocation, { method: 'POST', path: '/drain', withinMs: WITHIN_MS }),
  );
  const routes = routesLeftTo === null ? '' : ', its cloud routes are left to the reconciler';
  invocation.io.out(`Drained: the lease is released${routes}, and the daemon ends.\n`);
  return 0;
};
