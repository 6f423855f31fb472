import type { Action } from './command.ts';
import { daemonJson } from './daemon-answer.ts';
import { askDaemon } from './find-daemon.ts';

/** The daemon withdraws, waits until its peers have seen it, and releases; each step has its own patience. */
const WITHIN_MS = 120_000;

export const drain: Action = async (invocation) => {
  daemonJson(await askDaemon(invocation, { method: 'POST', path: '/drain', withinMs: WITHIN_MS }));
  invocation.io.out('Drained: the lease is released, and the daemon ends.\n');
  return 0;
};
