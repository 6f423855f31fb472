/** The elements of an nftables set: NFT_MSG_GETSETELEM (struct nfgenmsg, 4 bytes; linux/netfilter/nf_tables.h). Expired ones are not listed. */
import { AF_INET, NFNL_SUBSYS_NFTABLES } from './constants.ts';
import { AttributeCursor, type MessageReader } from './message-reader.ts';
import type { MessageWriter } from './message-writer.ts';

const NFT_MSG_GETSETELEM = 13;
const HEADER_BYTES = 4;
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_DATA_VALUE = 1;

export const GET_SET_ELEMENTS = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETSETELEM;

/** Body of a dump: of a set of family `ip`. */
export function writeSetQuery(w: MessageWriter, table: string, set: string): void {
  w.u8(AF_INET);
  w.u8(0);
  w.u16(0);
  w.attributeText(NFTA_SET_ELEM_LIST_TABLE, table);
  w.attributeText(NFTA_SET_ELEM_LIST_SET, set);
}

/** Keys that are IPv4 addresses, as unsigned numbers. */
export function readSetKeys(m: MessageReader): number[] {
  const keys: number[] = [];
  const element = new AttributeCursor(m.view);
  const key = new AttributeCursor(m.view);
  for (const list = m.openAttributes(HEADER_BYTES); list.next();) {
    if (list.type !== NFTA_SET_ELEM_LIST_ELEMENTS) continue;
    for (m.nested.open(list.start, list.end); m.nested.next();) {
      if (m.nested.type !== NFTA_LIST_ELEM) continue;
      for (element.open(m.nested.start, m.nested.end); element.next();) {
        if (element.type !== NFTA_SET_ELEM_KEY) continue;
        for (key.open(element.start, element.end); key.next();)
          if (key.type === NFTA_DATA_VALUE && key.bytes === 4) keys.push(m.view.getUint32(key.start, false));
      }
    }
  }
  return keys;
}
