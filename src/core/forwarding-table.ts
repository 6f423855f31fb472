/** Which peer has which addresses: the longest prefix that fits (RFC 1812, 5.2.4.3). Made as a whole and never changed, so that a packet meets the old table or the new one. */

/** Addresses as unsigned numbers. */
export interface Destination {
  /** The subnet's first address. */
  readonly network: number;
  readonly prefixLength: number;
  readonly remote: number;
  readonly port: number;
  readonly mtuBytes: number;
  /** Its place among the counters. */
  readonly slot: number;
}

/** Shifts by 32 do nothing in JavaScript. */
const maskOf = (prefixLength: number): number => (prefixLength === 0 ? 0 : (-1 << (32 - prefixLength)) >>> 0);

interface Shelf {
  readonly mask: number;
  readonly peers: Map<number, Destination>;
}

function shelvesOf(destinations: readonly Destination[]): readonly Shelf[] {
  const shelves = new Map<number, Shelf>();
  for (const peer of destinations) {
    const { prefixLength, network } = peer;
    let shelf = shelves.get(prefixLength);
    if (shelf === undefined) shelves.set(prefixLength, (shelf = { mask: maskOf(prefixLength), peers: new Map() }));
    shelf.peers.set((network & shelf.mask) >>> 0, peer);
  }
  return [...shelves].toSorted(([a], [b]) => b - a).map(([, shelf]) => shelf);
}

function findOn(shelves: readonly Shelf[], address: number): Destination | undefined {
  for (const { mask, peers } of shelves) {
    const found = peers.get((address & mask) >>> 0);
    if (found !== undefined) return found;
  }
  return undefined;
}

export class ForwardingTable {
  /** Longest first. In most clusters there is one. */
  readonly #shelves: readonly Shelf[];
  /** Each address that a peer sends from; of several peers with one, any of them. */
  readonly #senders = new Map<number, Destination>();

  /** A peer that would be reached through a peer is left out: its datagrams would come back out of the device, each time as new ones, without end. */
  constructor(destinations: readonly Destination[]) {
    const all = shelvesOf(destinations);
    const kept = destinations.filter(({ remote }) => findOn(all, remote) === undefined);
    this.#shelves = kept.length === destinations.length ? all : shelvesOf(kept);
    for (const peer of kept) this.#senders.set(peer.remote, peer);
  }

  /** Whose address is this? */
  find(address: number): Destination | undefined {
    return findOn(this.#shelves, address);
  }

  /** A peer that has this address outside the tunnel. */
  sender(remote: number): Destination | undefined {
    return this.#senders.get(remote);
  }
}

const WORDS = 6;

/** For the way to another thread: six words a peer. */
export function packDestinations(destinations: readonly Destination[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(WORDS * destinations.length);
  for (const [i, { network, prefixLength, remote, port, mtuBytes, slot }] of destinations.entries())
    words.set([network, prefixLength, remote, port, mtuBytes, slot], WORDS * i);
  return words;
}

export function unpackDestinations(words: Uint32Array): Destination[] {
  const destinations: Destination[] = [];
  for (let at = 0; at + WORDS <= words.length; at += WORDS) {
    const [network = 0, prefixLength = 0, remote = 0, port = 0, mtuBytes = 0, slot = 0] = words.subarray(
      at,
      at + WORDS,
    );
    destinations.push({ network, prefixLength, remote, port, mtuBytes, slot });
  }
  return destinations;
}
