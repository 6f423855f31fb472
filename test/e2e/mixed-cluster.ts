/** Hosts that act as flanneld does (a1, b1), and weftd hosts (a2, b2), in one cluster on a real etcd: their containers reach each other. One file a way, for a lab takes a process. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { JsonObject } from '../../src/core/json.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { enclosed } from '../lab/enclosed.ts';
import { closeLabs, DRAWN, NETWORK, never, reached, startLab } from './cluster.ts';
import { EtcdHand } from './etcd-hand.ts';
import { Flanneld, type FlannelConfig } from './flanneld.ts';
import { Stream } from './streams.ts';

export interface Mixture {
  /** `vxlan`. */
  readonly by: string;
  readonly backend: JsonObject;
  readonly flannel: Omit<FlannelConfig, 'network'>;
  /** All that are reached: `a2>b1 vxlan`, by which path each weftd host sends. */
  readonly pairs: readonly string[];
}

/** There and back; by which path a host of flanneld sends nobody says. */
export const both = (one: string, two: string, by: string): string[] =>
  [`${one}>${two}`, `${two}>${one}`].map((pair) => `${pair} ${/^.1/.test(pair) ? 'unknown' : by}`);

export function mixedCluster(url: string, { by, backend, flannel, pairs }: Mixture): void {
  enclosed(url, () => {
    describe(`flanneld and weftd hosts in one cluster, by ${by}`, () => {
      let lab: Lab;
      let plain: readonly Flanneld[];
      let weft: readonly LabHost[];
      const streams: Stream[] = [];

      before(async () => {
        lab = await startLab({ store: 'etcd' });
        await lab.writeConfig({ ...DRAWN, Backend: backend });
        const hand = new EtcdHand(lab);
        plain = ['a1', 'b1'].map((host) => new Flanneld(lab.host(host), hand, { network: NETWORK, ...flannel }));
        weft = ['a2', 'b2'].map((host) => lab.host(host));
        const [first, second] = plain;
        // One is there before the weftd hosts, one comes after.
        await first?.start('10.42.11.0/24');
        for (const host of weft) host.startDaemon();
        await Promise.all(weft.map((host) => host.addContainer(never)));
        await second?.start('10.42.21.0/24');
        await Promise.all(plain.map(({ host }) => host.addContainer(never)));
        await Promise.all(plain.map((one) => one.follow()));
        await Promise.all(weft.map((host) => seesAll(host, pairs)));
      });
      after(async () => {
        for (const stream of streams) stream.kill();
        await closeLabs();
      });

      it('their containers ping each other, all ways', async () => {
        const hosts = ['a1', 'a2', 'b1', 'b2'].map((host) => lab.host(host));
        const seen = (await reached(lab, hosts)).filter((pair) => !pair.endsWith(' LOST'));
        assert.deepEqual(seen, pairs.toSorted());
      });

      it('a TCP stream goes from each kind to the other', async () => {
        const ends = [
          ['a1', 'a2'],
          ['b2', 'b1'],
          ...(flannel.type === 'vxlan' ? [['b1', 'a2'] as const, ['a2', 'b1'] as const] : []),
        ] as const;
        for (const [index, [from, to]] of ends.entries()) {
          const stream = await Stream.open(lab.host(from).container.name, lab.host(to), 5000 + index);
          streams.push(stream);
          await stream.goesOn();
          await stream.whole();
        }
      });
    });
  });
}

/** By the paths that `pairs` names. It may stay on another for a while, as long as a peer of flanneld's has no way back. */
async function seesAll(host: LabHost, pairs: readonly string[]): Promise<void> {
  const wanted = pairs.flatMap((pair) => (pair.startsWith(`${host.name}>`) ? (pair.split(' ')[1] ?? '') : []));
  const words = wanted.toSorted().join(', ');
  await host.await(
    `reaches its peers by ${words}`,
    ({ ready, peers }) => {
      const paths = peers.flatMap(({ path, settled }) => (path !== 'none' && settled ? path : []));
      return ready && paths.toSorted().join(', ') === words ? true : undefined;
    },
    never,
  );
}
