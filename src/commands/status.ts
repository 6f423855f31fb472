import type { Status } from '../core/status.ts';
import type { Action } from './command.ts';
import { daemonJson } from './daemon-answer.ts';
import { askDaemon } from './find-daemon.ts';
import { statusText } from './status-text.ts';

export const status: Action = async (invocation) => {
  const answer = await askDaemon(invocation, { method: 'GET', path: '/status' });
  const value = daemonJson<Status>(answer);
  invocation.io.out(invocation.options.json ? `${JSON.stringify(value)}\n` : statusText(value, Date.now()));
  return 0;
};
