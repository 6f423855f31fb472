/** All that is ours in this host's packet filter: accepts of forwarded packets, and masquerade rules. */
import type { HostObservation, HostScope } from '../contracts/host-network.ts';
import type { Change } from '../core/diff.ts';
import type { ForwardAccept } from '../core/host-entry.ts';
import type { Masquerade } from '../core/masquerade-rules.ts';
import type { Asked } from './asked.ts';
import { applyAccept, observeAccepts, unseenAccepts } from './firewall.ts';
import { Masquerades } from './masquerade.ts';
import { findRuleSets, isSilent } from './rule-sets.ts';

const NOTHING: HostObservation = { entries: [], findings: [] };

export class PacketFilter {
  readonly #masquerades = new Masquerades();

  async observe(scope: HostScope, asked: Asked, signal: AbortSignal): Promise<HostObservation> {
    const isAsked = (network: ForwardAccept['network']): boolean => asked.has({ kind: 'accept', network });
    const accepts = { wanted: scope.accepts.filter(isAsked), former: (scope.formerAccepts ?? []).filter(isAsked) };
    const masquerade =
      scope.masquerade !== undefined && asked.hasKey(`masquerade ${scope.masquerade.instance}`)
        ? scope.masquerade
        : undefined;
    if (accepts.wanted.length + accepts.former.length === 0 && masquerade === undefined) return NOTHING;
    try {
      const sets = await findRuleSets(signal);
      const [accepted, masked] = await Promise.all([
        observeAccepts(sets, accepts, signal),
        masquerade === undefined ? NOTHING : this.#masquerades.observe(sets, masquerade, signal),
      ]);
      return {
        entries: [...accepted.entries, ...masked.entries],
        findings: [...accepted.findings, ...masked.findings],
        firewallIsSilent: isSilent(sets),
      };
    } catch (error) {
      if (signal.aborted) throw error;
      return unseenAccepts(accepts, error);
    }
  }

  async accept(change: Change<ForwardAccept>, signal: AbortSignal): Promise<void> {
    await applyAccept(await findRuleSets(signal), change, signal);
  }

  async masquerade(change: Change<Masquerade>, signal: AbortSignal): Promise<void> {
    await this.#masquerades.apply(await findRuleSets(signal), change, signal);
  }
}
