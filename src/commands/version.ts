import type { Action } from './command.ts';

export const version: Action = async ({ options, io, version: weftd }) => {
  const node = process.version;
  io.out(options.json ? `${JSON.stringify({ weftd, node })}\n` : `weftd ${weftd} (node ${node})\n`);
  return 0;
};
