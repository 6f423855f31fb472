/** A number that depends on a text alone: to spread keys over a few records, and to know a text again without keeping it. */

/** FNV-1a of 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/), over UTF-16 units. */
export function textHash(text: string, seed = 0x811c_9dc5): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
  return hash >>> 0;
}

/** 64 bits in 11 to 14 characters: nobody gains by making two texts that have the same. */
export const fingerprint = (text: string): string =>
  textHash(text).toString(36) + textHash(text, 0x9e37_79b9).toString(36);
