import type { Explanation } from '../agent/explain.ts';
import type { Action } from './command.ts';
import { daemonJson } from './daemon-answer.ts';
import { explanationText } from './explain-text.ts';
import { askDaemon } from './find-daemon.ts';
import { operand } from './lease-operand.ts';

export const explain: Action = async (invocation) => {
  const { io, operands, options } = invocation;
  const peer = operand(operands, 0, 'the peer');
  const answer = await askDaemon(invocation, { method: 'GET', path: `/explain/${encodeURIComponent(peer)}` });
  const value = daemonJson<Explanation>(answer);
  io.out(options.json ? `${JSON.stringify(value)}\n` : explanationText(value, Date.now()));
  return 0;
};
