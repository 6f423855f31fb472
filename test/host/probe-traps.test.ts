/** What a prober can be taken in by; each of these was seen to happen before it was written into the design. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { offset } from '../../src/core/address.ts';
import type { HostEntry, Route } from '../../src/core/host-entry.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import type { PathName } from '../../src/core/path.ts';
import {
  ANSWER_BYTES,
  decodeProbe,
  encodeProbe,
  REQUEST_BYTES,
  type ProbeRequest,
} from '../../src/core/probe-message.ts';
import { baseOf } from '../../src/core/subnet.ts';
import { pairSeals, publicProbeKey } from '../../src/host/probe-keys.ts';
import { askAll, introduce, never, peerOf, SUBNETS, verdicts, VXLAN, type Side } from '../contract/probe-world.ts';
import { eventually } from '../../src/lab/eventually.ts';
import { ip, runIn } from '../../src/lab/namespaces.ts';
import { quietLink } from '../../src/lab/world.ts';
import { enclosed } from '../lab/enclosed.ts';
import { AT_ONCE, probeHosts, wanted, type LinuxProbeWorld } from './probe-hosts.ts';

const HEARD = { direct: 'heard', vxlan: 'heard' };
const NEAR = baseOf(SUBNETS.near);
const FAR = baseOf(SUBNETS.far);

/** Seals of messages from a side to the other, and the other way. */
function sealsOf(world: LinuxProbeWorld, side: Side) {
  const party = (each: Side) => ({ node: parseNodeId(each), key: publicProbeKey(world.privateKeys[each]) });
  const seals = pairSeals(world.privateKeys[side], party(side), party(side === 'near' ? 'far' : 'near'));
  assert.ok(seals !== undefined);
  return seals;
}

const request = (sequence: number, changes: Partial<ProbeRequest> = {}): ProbeRequest => ({
  kind: 'request',
  path: 'vxlan',
  second: false,
  sender: 7,
  receiver: 7,
  sequence,
  ...changes,
});
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const sequencesOf = (answers: readonly string[]): number[] =>
  answers.map((answer) => Buffer.from(answer, 'hex').readUInt32BE(24));

enclosed(import.meta.url, () => {
  const test = (title: string, body: (world: LinuxProbeWorld) => Promise<void>, traffic?: PathName): void => {
    it(title, async () => {
      const world = await probeHosts(traffic);
      try {
        await introduce(world);
        await body(world);
      } finally {
        await world.close();
      }
    });
  };

  describe('a probe', { concurrency: AT_ONCE }, () => {
    test('is not taken for an answer by a stateful filter, whatever the other side has asked before', async (world) => {
      await world.nft(
        'far',
        `table ip filter { chain input { type filter hook input priority 0; policy accept;
           iifname "eth0" ip saddr ${NEAR} ct state established,related accept
           iifname "eth0" ip saddr ${NEAR} drop
         }; }`,
      );
      // Far's requests go out, and near's answers are let in: both hosts have a flow between their bases now.
      assert.deepEqual(verdicts(await askAll(world, 'far')), HEARD);
      assert.deepEqual(verdicts(await askAll(world, 'near')), { ...HEARD, direct: 'missed' });
      assert.deepEqual(verdicts(await askAll(world, 'far')), HEARD);
    });

    const standby = (side: Side, traffic: PathName): Route => {
      const found = wanted(side, traffic).find(
        (entry): entry is Route => entry.kind === 'route' && entry.metric !== undefined,
      );
      assert.ok(found !== undefined);
      return found;
    };
    const anotherWay = 'the request arrived by another way';

    test('goes by the path asked while traffic goes by another, and the other way round', async (world) => {
      for (const [traffic, probed] of [
        ['vxlan', 'direct'],
        ['direct', 'vxlan'],
      ] as const) {
        await world.near.put(...wanted('near', traffic));
        const outcomes = await askAll(world, 'near');
        assert.deepEqual(verdicts(outcomes), HEARD, probed);
        assert.ok(outcomes.every(({ why }) => why !== anotherWay));
        await world.cut('near', probed);
        assert.deepEqual(verdicts(await askAll(world, 'near')), { ...HEARD, [probed]: 'missed' });
        await world.mend('near', probed);
      }
    });

    test('whose route is missing never leaves by another path', async (world) => {
      await world.near.remove(standby('near', 'vxlan'));
      // The kernel takes it to be on the link and asks there by ARP. Who shares the link answers, and is reached by it: the path that was asked about.
      assert.deepEqual(verdicts(await askAll(world, 'near')), HEARD);
      // As in a cloud, where nobody answers for a container's address.
      await runIn(world.namespaces.far, ['sysctl', '-qw', 'net.ipv4.conf.eth0.arp_ignore=1']);
      await ip(['neighbour flush dev eth0'], world.namespaces.near);
      const outcomes = await askAll(world, 'near');
      assert.deepEqual(verdicts(outcomes), { ...HEARD, direct: 'missed' });
      assert.ok(outcomes.every(({ why }) => why !== anotherWay));
    });

    test(
      'over vxlan to a peer that has neither route nor neighbour entry leads nowhere',
      async (world) => {
        const neighbour = wanted('near', 'direct').find(({ kind }) => kind === 'neighbour');
        assert.ok(neighbour !== undefined);
        await world.near.remove(standby('near', 'direct'));
        assert.deepEqual(verdicts(await askAll(world, 'near')), HEARD);
        await world.near.remove(neighbour);
        const outcomes = await askAll(world, 'near');
        assert.deepEqual(verdicts(outcomes), { ...HEARD, vxlan: 'missed' });
        assert.ok(outcomes.every(({ why }) => why !== anotherWay));
        await world.near.put(neighbour, standby('near', 'direct'));
        assert.deepEqual(verdicts(await askAll(world, 'near')), HEARD);
      },
      'direct',
    );

    test(
      'follows its device when that is made anew, and does not leave while there is none',
      async (world) => {
        assert.deepEqual(verdicts(await askAll(world, 'near')), HEARD);
        await ip([`link delete ${VXLAN.name}`], world.namespaces.near);
        // The source address went with the device.
        await ip([`address add ${NEAR}/32 dev lo`], world.namespaces.near);
        const there = wanted('near', 'direct').filter((entry) => entry.kind === 'route' && entry.metric === undefined);
        await world.near.put(...there);
        const outcomes = await askAll(world, 'near');
        assert.deepEqual(verdicts(outcomes), { ...HEARD, vxlan: 'missed' });
        assert.ok(outcomes.some(({ path, why }) => path === 'vxlan' && why === 'not sent: ENODEV'));
        await world.near.put(...wanted('near', 'direct'));
        assert.deepEqual(verdicts(await askAll(world, 'near')), HEARD);
      },
      'direct',
    );

    test('that left by another path all the same is seen through by the device that it arrives on', async (world) => {
      const { out, in: back } = sealsOf(world, 'near');
      // A program that is no prober sends it: it takes the way of traffic.
      const asked = [request(10, { path: 'direct' }), request(11)].map((each) => hex(encodeProbe(each, out)));
      const answers = await world.near.exchange(NEAR, FAR, asked);
      const arrived = answers.map((answer) => {
        const message = decodeProbe(Buffer.from(answer, 'hex'), back);
        return message?.kind === 'answer' ? message.arrived : 'no answer';
      });
      assert.deepEqual(arrived, [undefined, 'vxlan']);
    });

    test('needs loose filtering where the ways there and back differ, and gets through with it', async (world) => {
      const loose = wanted('far', 'vxlan').filter(
        (entry) => entry.kind === 'sysctl' && entry.name.endsWith('/rp_filter'),
      );
      assert.equal(loose.length, 2);
      await world.far.put(...loose.map((entry) => ({ ...entry, value: '1' }) as HostEntry));
      assert.equal(verdicts(await askAll(world, 'near')).direct, 'missed');
      await world.far.put(...loose);
      assert.deepEqual(verdicts(await askAll(world, 'near')), HEARD);
    });
  });

  describe('a responder', { concurrency: AT_ONCE }, () => {
    test('answers what is authentic, new and of this run, once; nothing else', async (world) => {
      const { out, in: back } = sealsOf(world, 'near');
      const flipped = encodeProbe(request(1), out);
      flipped[30] = 1;
      const version = encodeProbe(request(2), out);
      version[4] = 2;
      const good = hex(encodeProbe(request(10), out));
      const packets = [
        hex(flipped),
        hex(version),
        // Far's own words, sent back to it.
        hex(encodeProbe(request(3), back)),
        hex(encodeProbe(request(4, { sender: 6 }), out)),
        hex(encodeProbe(request(5, { receiver: 6 }), out)),
        hex(encodeProbe(request(6), out)).slice(0, 2 * ANSWER_BYTES),
        hex(new Uint8Array(REQUEST_BYTES)),
        good,
        good,
        hex(encodeProbe(request(100), out)),
        hex(encodeProbe(request(36), out)),
        hex(encodeProbe(request(37), out)),
      ];
      const answers = await world.near.exchange(NEAR, FAR, packets);
      // 36 is 64 behind the newest, 37 is not.
      assert.deepEqual(sequencesOf(answers), [10, 100, 37]);
      assert.ok(answers.every((answer) => decodeProbe(Buffer.from(answer, 'hex'), back)?.kind === 'answer'));
    });

    test('sends no more than it was sent, also when it answers over two paths', async (world) => {
      const { out } = sealsOf(world, 'near');
      const asked = encodeProbe(request(10, { second: true }), out);
      const last = encodeProbe(request(11), out);
      const answers = await world.near.exchange(NEAR, FAR, [hex(asked), hex(last)]);
      const bytes = answers
        .filter((answer) => sequencesOf([answer])[0] === 10)
        .reduce((sum, { length }) => sum + length / 2, 0);
      assert.equal(bytes, 2 * ANSWER_BYTES);
      assert.ok(bytes <= asked.length);
    });

    test('answers by none but the paths that lead to the peer, whichever was asked about', async (world) => {
      world.far.serve([peerOf(world, 'near', { paths: ['vxlan'] })]);
      await world.cut('far', 'direct');
      const outcomes = await askAll(world, 'near', 1);
      assert.deepEqual(verdicts(outcomes), HEARD);
    });

    test('answers no stranger: not even with a peer’s words, from another address', async (world) => {
      const { out } = sealsOf(world, 'near');
      const other = offset(NEAR, 7);
      await world.near.put({ kind: 'address', link: 'lo', address: other, prefixLength: 32 });
      const stranger = world.near.exchange(other, FAR, [hex(encodeProbe(request(10), out))]);
      // It is not met, so it is still to be answered to its owner.
      assert.deepEqual(sequencesOf(await world.near.exchange(NEAR, FAR, [hex(encodeProbe(request(10), out))])), [10]);
      assert.equal(await Promise.race([stranger, Promise.resolve('no answer')]), 'no answer');
    });

    test('forgets a run of the peer with the next one, and takes nothing of the old', async (world) => {
      const { out } = sealsOf(world, 'near');
      const packets = [request(50), request(1, { sender: 8 }), request(51), request(2, { sender: 8 })];
      const answers = await world.near.exchange(
        NEAR,
        FAR,
        packets.map((each) => hex(encodeProbe(each, out))),
      );
      assert.deepEqual(sequencesOf(answers), [50, 1, 2]);
    });
  });

  describe('traffic', () => {
    test('that arrives for containers of this host is none that it sends', async (world) => {
      // Where its containers would be, and past the filter that ends other packets of these tests.
      const container = `neighbour add ${offset(FAR, 5)} lladdr 02:00:00:00:00:05 dev cni0 nud permanent`;
      const lines = ['link add cni0 type veth peer name c0', `address add ${offset(FAR, 1)}/24 dev cni0`];
      await ip([...lines, ...quietLink('c0'), ...quietLink('cni0'), container], world.namespaces.far);
      await world.nft('far', 'flush chain ip cuts before');
      await world.far.active(undefined, never);
      await world.traffic('near');
      const arrived = async () => {
        const [link] = JSON.parse(
          await runIn(world.namespaces.far, ['ip', '-json', '-stats', 'link', 'show', 'cni0']),
        ) as readonly {
          readonly stats64: { readonly tx: { readonly packets: number } };
        }[];
        return link?.stats64.tx.packets === 1 ? { found: true } : { missing: JSON.stringify(link?.stats64.tx) };
      };
      await eventually('a packet arrives for a container', 5000, arrived, never);
      assert.deepEqual([...((await world.far.active(undefined, never)) ?? [])], []);
    });
  });
});
