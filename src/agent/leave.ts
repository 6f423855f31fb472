/**
 * Going for good. The lease goes first and this host stays able to receive until the others have seen it, so that nothing they have
 * sent is lost; the quarantine keeps the subnet from others meanwhile.
 */
import type { LeaseStore } from '../contracts/lease-store.ts';
import type { Log } from '../contracts/log.ts';
import { asWeftError } from '../core/errors.ts';
import type { Lease } from '../core/lease.ts';
import type { FailedChange } from '../reconcile/pass-report.ts';
import type { AgentParts } from './agent-parts.ts';
import { patiently, type Patience } from './patiently.ts';
import { describeChange } from './pass-journal.ts';
import { tearDown, type TearDownParts } from './tear-down.ts';

/** @param withdraw takes what others keep for this host away: routes of the cloud */
export async function leave(
  parts: AgentParts,
  standing: TearDownParts,
  withdraw: (signal: AbortSignal) => Promise<void>,
  patience: Patience,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock, log, options, state } = parts;
  const { lease, config } = standing.self;
  const fields = { subnet: lease.subnet.v4, epoch: lease.epoch };
  log.info(fields, 'draining');
  await patiently('lease', () => release(store, lease, config.leaseTtlMs, signal), patience, signal);
  await clock.sleep(options.drainWaitMs, signal);
  await withdraw(signal);
  const failed = await patiently('host', () => tearDown('all', standing, signal), patience, signal);
  tellFailed(log, failed);
  try {
    // It holds none any more, so that it may come back under another name. subnet.env still names the one to ask for.
    await state.remember({ subnet: undefined });
  } catch (error) {
    log.warn({ error }, 'the subnet could not be forgotten');
  }
  log.info(fields, 'drained');
}

/** Out of the cluster against our will: tunnels and ways to peers go, so that nothing is sent or taken in the name of a subnet that is another's. */
export async function cutOff(
  parts: AgentParts,
  standing: TearDownParts,
  patience: Patience,
  signal: AbortSignal,
): Promise<void> {
  const { log } = parts;
  try {
    const failed = await patiently('host', () => tearDown('peers', standing, signal), patience, signal);
    tellFailed(log, failed);
  } catch (error) {
    const { code, message } = asWeftError(error);
    log.error({ code, error: message }, 'ways to peers could not be removed');
  }
}

function tellFailed(log: Log, failed: readonly FailedChange[]): void {
  for (const { change, error } of failed)
    log.warn({ entry: describeChange(change), code: error.code, error: error.message }, 'change failed');
}

/** Compare-and-set wants the latest version, and another hand may have written since. */
async function release(store: LeaseStore, lease: Lease, ttlMs: number, signal: AbortSignal): Promise<void> {
  try {
    await store.release(lease, signal);
  } catch (error) {
    if (asWeftError(error).code !== 'RECORD_CHANGED') throw error;
    try {
      await store.release(await store.renew(lease, lease.attributes, ttlMs, signal), signal);
    } catch (again) {
      if (asWeftError(again).code !== 'LEASE_LOST') throw again;
    }
  }
}
