/** How the kernel ends a request or a dump: NLMSG_ERROR (struct nlmsgerr) and NLMSG_DONE (an errno), both with words where NETLINK_EXT_ACK is set. */
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_ERROR, NLMSGERR_ATTR_MSG } from './constants.ts';
import type { MessageReader } from './message-reader.ts';

const ERRNO_BYTES = 4;
/** struct nlmsghdr of the request, which is all that NETLINK_CAP_ACK leaves of it. */
const REQUEST_HEADER_BYTES = 16;

/** 0 is success. */
export function acknowledgedErrno(m: MessageReader): number {
  // An old kernel's end of a dump may be empty.
  return m.end >= m.start + ERRNO_BYTES ? -m.i32(0) : 0;
}

/** The kernel's own words, or empty. */
export function acknowledgedWords(m: MessageReader): string {
  if ((m.flags & NLM_F_ACK_TLVS) === 0) return '';
  for (const a = m.openAttributes(ERRNO_BYTES + requestBytes(m)); a.next();)
    if (a.type === NLMSGERR_ATTR_MSG) return a.text();
  return '';
}

function requestBytes(m: MessageReader): number {
  if (m.type !== NLMSG_ERROR) return 0;
  return (m.flags & NLM_F_CAPPED) === 0 && m.i32(0) !== 0 ? m.u32(ERRNO_BYTES) : REQUEST_HEADER_BYTES;
}
