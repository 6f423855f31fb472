/** Routing policy rules of ours. The kernel keeps several of one priority side by side, so a change is to add, then to remove. */
import type { Change } from '../core/diff.ts';
import type { WeftError } from '../core/errors.ts';
import { describeHostEntry, sameHostEntry, type Rule } from '../core/host-entry.ts';
import { ROUTE_PROTOCOL } from '../core/instance.ts';
import { baseOf, overlaps, prefixLengthOf, type Subnet } from '../core/subnet.ts';
import { EEXIST, ENOENT } from '../native/kernel-error.ts';
import {
  FR_ACT_TO_TBL,
  FR_ACT_UNREACHABLE,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_DELRULE,
  RTM_GETRULE,
  RTM_NEWRULE,
} from '../native/netlink/constants.ts';
import { readRule, writeRule, writeRuleQuery, type RuleRequest } from '../native/netlink/rule.ts';
import type { RouteSocket } from '../native/route-socket.ts';
import { refusal } from './kernel-errors.ts';
import { ipValueOf, subnetFrom } from './kernel-values.ts';

/**
 * Of several on one priority the first: it acts first, and is the older one where a change broke off between adding and removing. Another daemon of this host that has the same
 * slot, since its state directory is another, has other networks: its rules are left alone.
 */
export function observeRules(
  socket: RouteSocket,
  version: 4 | 6,
  priorities: { readonly from: number; readonly to: number },
  networks: readonly Subnet[],
): Rule[] {
  const rules = socket.dump(RTM_GETRULE, (w) => writeRuleQuery(w, version), readRule);
  const seen = new Set<number>();
  return rules.flatMap((rule): Rule[] => {
    if (rule.priority < priorities.from || rule.priority > priorities.to || seen.has(rule.priority)) return [];
    if (rule.protocol !== undefined && rule.protocol !== ROUTE_PROTOCOL) return [];
    const to = subnetFrom(rule.destination, rule.prefixLength);
    if (!networks.some((network) => overlaps(network, to))) return [];
    if (rule.action !== FR_ACT_TO_TBL && rule.action !== FR_ACT_UNREACHABLE) return [];
    seen.add(rule.priority);
    return [
      {
        kind: 'rule',
        priority: rule.priority,
        to,
        action: rule.action === FR_ACT_UNREACHABLE ? 'unreachable' : rule.table,
        ...(rule.suppressPrefixLength === undefined ? {} : { suppressPrefixLength: rule.suppressPrefixLength }),
        ...(rule.mark === undefined ? {} : { mark: rule.mark.value, markMask: rule.mark.mask }),
      },
    ];
  });
}

const requestOf = (rule: Rule): RuleRequest => ({
  priority: rule.priority,
  ...(rule.action === 'unreachable' ? { action: FR_ACT_UNREACHABLE } : { action: FR_ACT_TO_TBL, table: rule.action }),
  destination: ipValueOf(baseOf(rule.to)),
  prefixLength: prefixLengthOf(rule.to),
  ...(rule.suppressPrefixLength === undefined ? {} : { suppressPrefixLength: rule.suppressPrefixLength }),
  ...(rule.mark === undefined ? {} : { mark: { value: rule.mark, mask: rule.markMask ?? ALL_BITS } }),
  protocol: ROUTE_PROTOCOL,
});

/** The kernel's own reading of a mark without a mask. */
const ALL_BITS = 0xffff_ffff;

/** @returns what went wrong */
export function applyRule(socket: RouteSocket, change: Change<Rule>): WeftError | undefined {
  if (change.op === 'put') {
    const { want } = change;
    socket.add(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, (w) => writeRule(w, requestOf(want)));
    const [failed] = socket.exchange();
    if (failed !== undefined && failed.errno !== EEXIST)
      return refusal(`put ${describeHostEntry(want)}`, failed.errno, failed.said);
  }
  const { was } = change;
  if (was === undefined || (change.op === 'put' && sameHostEntry(was, change.want))) return undefined;
  socket.add(RTM_DELRULE, 0, (w) => writeRule(w, requestOf(was)));
  const [failed] = socket.exchange();
  return failed === undefined || failed.errno === ENOENT
    ? undefined
    : refusal(`remove ${describeHostEntry(was)}`, failed.errno, failed.said);
}
