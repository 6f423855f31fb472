/** Routing policy rules: RTM_NEWRULE and its like (struct fib_rule_hdr, 12 bytes; linux/fib_rules.h). */
import {
  AF_INET,
  AF_INET6,
  FR_ACT_TO_TBL,
  FRA_DST,
  FRA_FWMARK,
  FRA_FWMASK,
  FRA_PRIORITY,
  FRA_PROTOCOL,
  FRA_SUPPRESS_PREFIXLEN,
  FRA_TABLE,
  RT_TABLE_COMPAT,
} from './constants.ts';
import type { IpValue } from './ip-value.ts';
import type { MessageReader } from './message-reader.ts';
import { afOf, type MessageWriter } from './message-writer.ts';

const HEADER_BYTES = 12;
/** FRA_SUPPRESS_PREFIXLEN when nothing is passed over: -1. */
const SUPPRESS_NONE = 0xffff_ffff;

export interface RuleMark {
  readonly value: number;
  readonly mask: number;
}

export interface RuleMessage {
  readonly priority: number;
  readonly action: number;
  readonly table: number;
  readonly destination: IpValue;
  readonly prefixLength: number;
  readonly suppressPrefixLength: number | undefined;
  /** With the bits of it that count; undefined where every packet is meant. */
  readonly mark: RuleMark | undefined;
  /** Undefined where the kernel does not say (before 4.17). */
  readonly protocol: number | undefined;
}

export interface RuleRequest {
  readonly priority: number;
  readonly action: number;
  /** For FR_ACT_TO_TBL. */
  readonly table?: number;
  readonly destination: IpValue;
  readonly prefixLength: number;
  readonly suppressPrefixLength?: number;
  readonly mark?: RuleMark;
  readonly protocol: number;
}

export function writeRule(w: MessageWriter, rule: RuleRequest): void {
  const table = rule.table ?? 0;
  w.u8(afOf(rule.destination));
  w.u8(rule.prefixLength);
  w.u8(0);
  w.u8(0);
  w.u8(table < 256 ? table : RT_TABLE_COMPAT);
  w.u8(0);
  w.u8(0);
  w.u8(rule.action);
  w.u32(0);
  w.attributeU32(FRA_PRIORITY, rule.priority);
  if (rule.prefixLength > 0) w.attributeIp(FRA_DST, rule.destination);
  if (rule.action === FR_ACT_TO_TBL) w.attributeU32(FRA_TABLE, table);
  if (rule.suppressPrefixLength !== undefined) w.attributeU32(FRA_SUPPRESS_PREFIXLEN, rule.suppressPrefixLength);
  if (rule.mark !== undefined) {
    w.attributeU32(FRA_FWMARK, rule.mark.value);
    w.attributeU32(FRA_FWMASK, rule.mark.mask);
  }
  w.attributeU8(FRA_PROTOCOL, rule.protocol);
}

/** Body of a dump. */
export function writeRuleQuery(w: MessageWriter, version: 4 | 6): void {
  w.u8(version === 4 ? AF_INET : AF_INET6);
  w.u8(0);
  w.u16(0);
  w.u32(0);
  w.u32(0);
}

export function readRule(m: MessageReader): RuleMessage {
  let priority = 0;
  let table = m.u8(4);
  let destination: IpValue = m.u8(0) === AF_INET6 ? 0n : 0;
  let suppressPrefixLength: number | undefined;
  let protocol: number | undefined;
  let mark: number | undefined;
  let mask = 0;
  for (const a = m.openAttributes(HEADER_BYTES); a.next();) {
    if (a.type === FRA_PRIORITY) priority = a.u32();
    else if (a.type === FRA_TABLE) table = a.u32();
    else if (a.type === FRA_DST) destination = a.ip();
    else if (a.type === FRA_SUPPRESS_PREFIXLEN) suppressPrefixLength = a.u32() === SUPPRESS_NONE ? undefined : a.u32();
    else if (a.type === FRA_PROTOCOL) protocol = a.u8();
    else if (a.type === FRA_FWMARK) mark = a.u32();
    else if (a.type === FRA_FWMASK) mask = a.u32();
  }
  return {
    priority,
    action: m.u8(7),
    table,
    destination,
    prefixLength: m.u8(1),
    suppressPrefixLength,
    mark: mark === undefined || mask === 0 ? undefined : { value: mark, mask },
    protocol,
  };
}
