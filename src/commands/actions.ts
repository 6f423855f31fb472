/** The code of every sub-command but the daemon's own: loaded as one, apart from what a start of the daemon waits for. */
import { audit } from './audit.ts';
import { cleanup } from './cleanup.ts';
import type { Action } from './command.ts';
import type { CommandName } from './command-name.ts';
import { configCheck } from './config-check.ts';
import { configGet } from './config-get.ts';
import { configSet } from './config-set.ts';
import { drain } from './drain.ts';
import { explain } from './explain.ts';
import { leaseList } from './lease-list.ts';
import { leaseRelease } from './lease-release.ts';
import { leaseReserve } from './lease-reserve.ts';
import { leaseShow } from './lease-show.ts';
import { plan } from './plan.ts';
import { reconcile } from './reconcile.ts';
import { status } from './status.ts';
import { userData } from './user-data.ts';
import { version } from './version.ts';

export const ACTIONS: Readonly<Record<Exclude<CommandName, 'run' | 'lab'>, Action>> = {
  plan,
  status,
  explain,
  reconcile,
  'config get': configGet,
  'config set': configSet,
  'config check': configCheck,
  'lease list': leaseList,
  'lease show': leaseShow,
  'lease reserve': leaseReserve,
  'lease release': leaseRelease,
  audit,
  drain,
  cleanup,
  'user-data': userData,
  version,
};
