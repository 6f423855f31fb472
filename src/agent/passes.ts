/** Makes the passes that the loop asks for, and tells what came of them. */
import { asWeftError, type WeftError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import { hostEntryKey, type HostEntry, type HostFile } from '../core/host-entry.ts';
import type { LeaseView } from '../core/lease.ts';
import type { Subnet } from '../core/subnet.ts';
import type { Self } from '../datapath/datapath.ts';
import type { Choose } from '../datapath/plan.ts';
import { HostPasses } from '../reconcile/host-pass.ts';
import type { PassReport } from '../reconcile/pass-report.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Findings } from './findings.ts';
import type { Changed, PassResult } from './loop.ts';
import { changeKey, type PassJournal } from './pass-journal.ts';
import { subnetEnv } from './subnet-env.ts';

/** Everything that a pass is made from, as it stands now. */
export interface PassSources {
  readonly self: Self;
  readonly view: LeaseView;
  readonly guardFiles: readonly HostFile[];
  readonly previousNetworks: readonly Subnet[];
  readonly answering: ReadonlySet<Subnet>;
  readonly choose: Choose;
}

export interface PassesParts extends Pick<AgentParts, 'host' | 'clock' | 'options'> {
  readonly guardFindings: () => readonly Finding[];
  readonly findings: Findings;
  readonly journal: PassJournal;
  readonly sources: () => PassSources;
  readonly onReport: (report: PassReport) => Promise<void> | void;
}

/** What needs CAP_NET_ADMIN. A setting or a firewall may be closed to us for other reasons. */
const KERNEL: ReadonlySet<HostEntry['kind']> = new Set([
  'unreachable',
  'link',
  'tun',
  'address',
  'route',
  'neighbour',
  'fdb',
]);

export class Passes {
  readonly #parts: PassesParts;
  readonly #passes: HostPasses;
  #subnetFileWritten: boolean;
  #busySinceMs: number | undefined;

  constructor(parts: PassesParts, subnetFileWritten: boolean) {
    this.#parts = parts;
    this.#passes = new HostPasses(parts);
    this.#subnetFileWritten = subnetFileWritten;
  }

  get subnetFileWritten(): boolean {
    return this.#subnetFileWritten;
  }

  /** Since when a pass is under way; undefined: none is. */
  get busySinceMs(): number | undefined {
    return this.#busySinceMs;
  }

  /** Rejects with ABORTED, or with NOT_PERMITTED when the kernel has denied us from the first pass on. */
  async make(changed: Changed, signal: AbortSignal): Promise<PassResult> {
    this.#busySinceMs = this.#parts.clock.now();
    try {
      return await this.#make(changed, signal);
    } finally {
      this.#busySinceMs = undefined;
    }
  }

  async #make(changed: Changed, signal: AbortSignal): Promise<PassResult> {
    const { sources, options, journal, onReport } = this.#parts;
    const { self, view, guardFiles, previousNetworks, answering, choose } = sources();
    const file = subnetEnv(self, options);
    let report: PassReport;
    try {
      const files = [file, ...guardFiles];
      report = await this.#passes.pass(
        { self, view, changed, files, previousNetworks, answering, choose, dryRun: false },
        signal,
      );
    } catch (error) {
      if (signal.aborted) throw error;
      journal.broke(asWeftError(error));
      if (journal.last === undefined) refuseDenied([asWeftError(error)]);
      return { scope: 'all', failed: true, heldForMs: undefined };
    }
    const first = journal.last === undefined;
    journal.made(report);
    if (first)
      refuseDenied(
        report.failed.flatMap(({ change, error }) =>
          change.op === 'put' && KERNEL.has(change.want.kind) ? [error] : [],
        ),
      );
    if (report.scope === 'all') {
      this.#subnetFileWritten = !report.failed.some(({ change }) => changeKey(change) === hostEntryKey(file));
    }
    if (report.firewall !== undefined) {
      const ofHost = report.findings.filter((finding) => !view.findings.includes(finding));
      this.#parts.findings.set('host', [...ofHost, ...this.#parts.guardFindings()]);
    }
    await onReport(report);
    return { scope: report.scope, failed: report.triesAgain, heldForMs: report.heldForMs };
  }
}

/** Without the right to change the kernel nothing here can ever work; later it is one failed change among others. */
function refuseDenied(errors: readonly WeftError[]): void {
  const denied = errors.find(({ code }) => code === 'NOT_PERMITTED');
  if (denied !== undefined) throw denied;
}
