/** The ways to reach a peer, by name. */
export const PATH_NAMES = ['direct', 'fabric', 'vxlan', 'udp'] as const;
export type PathName = (typeof PATH_NAMES)[number];

export const isPathName = (text: string): text is PathName => (PATH_NAMES as readonly string[]).includes(text);

/** How a peer is reached: by a path of ours, by the commands of flannel's backend `extension`, or not at all by us. */
export type Reach = PathName | 'extension' | 'none';

/** Why a path was not taken. Every refusal keeps its reason: `status` and `explain` print it. */
export interface Refusal<By = Exclude<Reach, 'none'>> {
  readonly path: By;
  readonly why: string;
}

/** May we send to this peer this way, by what was just observed? */
export type Verdict = { readonly usable: true } | { readonly usable: false; readonly why: string };

/** Paths that ask nothing of the network between but that it carries UDP: what every new pair starts on. */
const TUNNELS: ReadonlySet<PathName> = new Set(['vxlan', 'udp']);

export const isTunnel = (path: PathName): boolean => TUNNELS.has(path);
