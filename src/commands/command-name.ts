/** All sub-commands, as they are typed. */
export const COMMAND_NAMES = [
  'run',
  'plan',
  'status',
  'explain',
  'reconcile',
  'config get',
  'config set',
  'config check',
  'lease list',
  'lease show',
  'lease reserve',
  'lease release',
  'audit',
  'drain',
  'cleanup',
  'user-data',
  'lab',
  'version',
] as const;
export type CommandName = (typeof COMMAND_NAMES)[number];
