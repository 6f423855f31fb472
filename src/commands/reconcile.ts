/** The reconciler by hand, or as a service where there is no Lambda: everybody's routes, from outside the nodes. */
import os from 'node:os';
import type { LeaseStore } from '../contracts/lease-store.ts';
import { asWeftError } from '../core/errors.ts';
import { PinnedNetwork } from '../reconcile/pinned-network.ts';
import type { ReconcilerParts, ReconcilerSettings } from '../reconcile/reconciler-parts.ts';
import { Reconciler } from '../reconcile/reconciler.ts';
import { CryptoRandom } from '../system/crypto-random.ts';
import { PinoLog } from '../system/pino-log.ts';
import type { Action, Invocation } from './command.ts';
import { openReconciledCloud, requireNetworks, type OpenReconciledCloud } from './reconcile-cloud.ts';
import { exitOf, reportJson, reportText } from './reconcile-text.ts';
import { reconcilerSettings, reconcileWish, type ReconcileWish } from './reconcile-wish.ts';
import { withStore } from './with-store.ts';

/** For the metadata server, when a person waits. */
const PATIENCE_MS = 15_000;

/** @param open the cloud that the options name */
export const reconcileWith =
  (open: OpenReconciledCloud): Action =>
  async (invocation) => {
    const { options, clock, signal } = invocation;
    const wish = reconcileWish(options);
    const isService = wish.everyMs !== undefined;
    // A person reads the report; the log is for what the report does not have.
    const log = new PinoLog(options.logLevel ?? (isService ? 'info' : 'error'));
    const seams = { clock, random: new CryptoRandom(), log };
    try {
      return await withStore(invocation, async ({ store: whole, records, seenWithinMs }) => {
        const opened = await open(options, seams, isService ? Infinity : PATIENCE_MS, signal);
        const { network: cloud, inventory } = opened;
        const found = { networks: opened.networks, host: os.hostname(), storeSeenMs: seenWithinMs };
        const settings = reconcilerSettings(options, found);
        const store = options.within === undefined ? whole : new PinnedNetwork(whole, options.within);
        const parts = { ...seams, store, records, cloud, inventory };
        try {
          await requireNetworks(opened, signal).catch((error: unknown) => {
            // A service waits for a cloud that does not answer.
            if (!isService || signal.aborted || asWeftError(error).code === 'CLOUD_NOT_FOUND') throw error;
          });
          return await (isService
            ? // Who only waits for changes must not end by a config that strays: whoever wrote it would end the service.
              serve(invocation, { ...parts, watched: whole }, settings, wish.everyMs)
            : once(invocation, parts, settings, wish));
        } finally {
          opened.close();
        }
      });
    } catch (error) {
      if (isService) log.error({ code: asWeftError(error).code, error }, 'weftd reconcile ends');
      throw error;
    } finally {
      await log.flush();
    }
  };

export const reconcile = reconcileWith(openReconciledCloud);

async function once(
  { io, options, signal }: Invocation,
  parts: ReconcilerParts,
  settings: ReconcilerSettings,
  { dryRun, adopt }: ReconcileWish,
): Promise<number> {
  const request = { why: 'person', leaving: [], adopt, dryRun, untilMs: Infinity } as const;
  const report = await new Reconciler(parts, settings).run(request, signal);
  io.out(options.json ? `${JSON.stringify(reportJson(report))}\n` : reportText(report, { dryRun }));
  return exitOf(report);
}

async function serve(
  { options, environment, version, signal }: Invocation,
  { watched, ...parts }: ReconcilerParts & { readonly watched: LeaseStore },
  settings: ReconcilerSettings,
  everyMs: number,
): Promise<number> {
  const { log } = parts;
  const [{ ReconcileService }, { serviceManager }] = await Promise.all([
    import('./reconcile-service.ts'),
    import('../host/service-manager.ts'),
  ]);
  const listen = options.statusListen === 'off' ? undefined : options.statusListen;
  const supervisor = serviceManager(environment, log);
  const service = new ReconcileService({
    ...parts,
    store: watched,
    reconciler: new Reconciler(parts, settings),
    settings,
    everyMs,
    version,
    listen,
    ...(supervisor === undefined ? {} : { supervisor }),
  });
  const wake = (): void => service.wake();
  process.on('SIGHUP', wake);
  log.info({ node: settings.name, count: settings.networks.length }, 'weftd reconcile begins');
  try {
    return await service.run(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    log.info({ why: 'stopped' }, 'weftd reconcile ends');
    return 0;
  } finally {
    process.off('SIGHUP', wake);
  }
}
