/** Weft peers as probes need them, from their leases, and the rule of their keys: another key comes with a newer incarnation only. */
import type { ProbePeer, ProbeSelf } from '../contracts/path-probe.ts';
import type { Finding } from '../core/finding.ts';
import type { Lease } from '../core/lease.ts';
import type { NodeId } from '../core/node-id.ts';
import type { PathName } from '../core/path.ts';
import { baseOf } from '../core/subnet.ts';
import type { Self } from '../datapath/datapath.ts';
import { datapathsOf } from '../datapath/paths.ts';

export function probeSelf(
  self: Self,
  node: NodeId,
  incarnation: number,
  watchesTraffic: boolean | undefined,
): ProbeSelf {
  const { config, uplink, base } = self;
  return {
    node,
    incarnation,
    base,
    port: config.probe.port,
    network: config.v4.network,
    subnetLength: config.v4.subnetLength,
    paths: datapathsOf(config.paths).map((path) => {
      const device = path.device(self);
      return {
        path: path.name,
        link: device ?? uplink.link,
        ...(device === undefined ? {} : { device }),
      };
    }),
    ...(watchesTraffic === undefined ? {} : { watchesTraffic }),
  };
}

interface KnownKey {
  readonly key: string;
  readonly incarnation: number;
}

export class ProbePeers {
  readonly #keys = new Map<NodeId, KnownKey>();
  readonly #refused = new Map<NodeId, Finding>();

  /** Undefined: a peer without a prober. */
  peerOf(
    { attributes, subnet }: Lease,
    usable: readonly PathName[],
    current: PathName | undefined,
  ): ProbePeer | undefined {
    const { weft } = attributes;
    if (weft?.probe === undefined) return undefined;
    const { key, incarnation } = this.#keyOf(weft.node, { key: weft.probe.key, incarnation: weft.incarnation });
    const paths = current === undefined ? usable : [current, ...usable.filter((path) => path !== current)];
    return {
      node: weft.node,
      subnet: subnet.v4,
      base: baseOf(subnet.v4),
      port: weft.probe.port,
      key,
      incarnation,
      paths,
    };
  }

  /** Whoever is gone is forgotten: should the node come back without its state, its incarnations begin anew. */
  keep(nodes: ReadonlySet<NodeId>): void {
    for (const node of this.#keys.keys()) if (!nodes.has(node)) this.#keys.delete(node);
    for (const node of this.#refused.keys()) if (!nodes.has(node)) this.#refused.delete(node);
  }

  get findings(): readonly Finding[] {
    return [...this.#refused.values()];
  }

  #keyOf(node: NodeId, shown: KnownKey): KnownKey {
    const known = this.#keys.get(node);
    if (known !== undefined && known.key !== shown.key && shown.incarnation <= known.incarnation) {
      const message = `the lease of ${node} shows another probe key with incarnation ${shown.incarnation}, which is not newer than ${known.incarnation}; the key before stays in force`;
      this.#refused.set(node, { code: 'PROBE_KEY_REFUSED', message });
      return known;
    }
    this.#refused.delete(node);
    const kept = known !== undefined && known.incarnation > shown.incarnation ? known : shown;
    this.#keys.set(node, kept);
    return kept;
  }
}
