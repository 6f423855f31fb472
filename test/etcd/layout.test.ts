/** What stands in etcd, to the byte, and what it costs to read and write it: flanneld reads the same keys. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { EtcdStore } from '../../providers/etcd/open-store.ts';
import { parseUrl } from '../../providers/etcd/url.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import type { LeaseView } from '../../src/core/lease.ts';
import { reservationKey, reservationValue } from '../../src/core/reservation.ts';
import {
  attributes,
  flanneldValue,
  HOUR,
  never,
  node,
  publicIP,
  range,
  viewText,
  wish,
} from '../contract/store-world.ts';
import { describeOnEtcd, subnet } from './ground.ts';

const signal = never();
const [a, b] = [node('a'), node('b')];
const DAY = 24 * HOUR;

/** As a node that starts now gets it. */
async function firstView({ store }: EtcdStore): Promise<LeaseView> {
  const stop = new AbortController();
  for await (const { view } of store.watch(stop.signal)) return view;
  throw new Error('no view');
}

describeOnEtcd('keys and values in etcd', (ground) => {
  const read = async (key: string) => {
    const { raw, prefix } = ground().world;
    const [found] = (await raw.get(`${prefix}/${key}`).exec()).kvs;
    if (found === undefined) return undefined;
    const { TTL, grantedTTL } = await raw.leaseClient.leaseTimeToLive({ ID: found.lease });
    return {
      ...found,
      text: found.value.toString('utf8'),
      grantedSeconds: Number(grantedTTL),
      leftSeconds: Number(TTL),
    };
  };
  const put = async (key: string, value: string): Promise<void> => {
    const { raw, prefix } = ground().world;
    await raw.put(`${prefix}/${key}`).value(value);
  };

  it('are flannel\u2019s: the lease below subnets/ for 24 hours, all that is ours below weft/', async () => {
    const { store, records } = ground().direct();
    await store.writeConfig('{"Network":"10.42.0.0/16"}', 'absent', signal);
    const { lease } = await store.claim(wish(a, { previous: subnet(1), ttlMs: DAY }), signal);
    await records.put('reservation', reservationKey(subnet(9)), reservationValue(b), undefined, signal);
    await records.add('calls', 3, signal);
    assert.deepEqual(await ground().world.keys(), [
      'config',
      'subnets/10.42.1.0-24',
      'weft/count/calls',
      'weft/held/10.42.1.0-24',
      'weft/last/10.42.1.0-24',
      'weft/reservation/10.42.9.0-24',
    ]);
    const stored = await read('subnets/10.42.1.0-24');
    assert.equal(stored?.text, encodeLeaseValue(attributes(a)));
    assert.match(
      stored.text,
      /^\{"PublicIP":"192\.0\.2\.1","PublicIPv6":null,"BackendType":"vxlan","BackendData":\{"VNI":1,"VtepMAC":"[0-9a-f:]{17}"\},"Weft":\{"v":1,/,
    );
    assert.equal(stored.grantedSeconds, 86_400);
    assert.equal(Number(stored.create_revision), lease.epoch);
    const held = await read('weft/held/10.42.1.0-24');
    assert.equal(held?.text, '{"node":"node-a","ttlMs":86400000}');
    assert.equal(held.grantedSeconds, 86_400 + 16 * 60);
  });

  it('live under a new etcd lease after each renewal, and what was freed is held for its node for a quarter of an hour', async () => {
    const { store } = ground().direct();
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    const before = await read('subnets/10.42.1.0-24');
    const renewed = await store.renew(lease, attributes(a), 2 * HOUR, signal);
    const after = await read('subnets/10.42.1.0-24');
    assert.notEqual(after?.lease, before?.lease);
    assert.equal(after?.grantedSeconds, 7200);
    assert.equal(after?.create_revision, before?.create_revision);
    await store.release(renewed, signal);
    assert.equal(await read('subnets/10.42.1.0-24'), undefined);
    const held = await read('weft/held/10.42.1.0-24');
    assert.equal(held?.text, '{"node":"node-a"}');
    assert.ok(held.leftSeconds >= 15 * 60 && held.leftSeconds <= 16 * 60);
  });

  it('of an expired lease say who had it, and that node alone may come back', async () => {
    const { store } = ground().direct();
    const { lease } = await store.claim(wish(a, { range: range(1) }), signal);
    // As etcd does when the TTL is over.
    await ground().world.raw.leaseClient.leaseRevoke({ ID: (await read(`subnets/${lease.key}`))?.lease ?? '' });
    await assert.rejects(store.claim(wish(b, { range: range(1) }), signal), { code: 'NO_SUBNET' });
    const back = await store.claim(wish(a, { range: range(1), previous: lease.subnet.v4 }), signal);
    assert.deepEqual([back.how, back.lease.key], ['created', lease.key]);
    assert.ok(back.lease.epoch > lease.epoch);
  });

  it('that flanneld wrote are read in each of its forms, and those that it would choke on are passed over', async () => {
    const forms = {
      '10.42.1.0-24': '{"PublicIP":"10.99.0.1","PublicIPv6":null}',
      '10.42.2.0-24': '{"PublicIP":"10.99.0.2","PublicIPv6":null,"BackendType":"host-gw"}',
      '10.42.3.0-24': '{"PublicIP":"10.99.0.3","BackendType":"vxlan","BackendData":{"VtepMAC":"ae:f2:1a:4a:99:66"}}',
      '10.42.4.0-24&2001:cafe:42:6::-64':
        '{"PublicIP":"10.99.0.4","PublicIPv6":"fd00::1","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"ae:f2:1a:4a:99:66"},"BackendV6Data":{"VNI":1,"VtepMAC":"ae:f2:1a:4a:99:67"}}',
      '10.42.5.0-24':
        '{"PublicIP":"10.99.0.5","PublicIPv6":null,"BackendType":"extension","BackendData":"a\\n\\u003cx\\u003e\\u0026"}',
    };
    for (const [key, value] of Object.entries(forms)) await put(`subnets/${key}`, value);
    const bad = ['x10.42.6.0-24', '10.42.7.7-24', '10.42.8.0-32', 'garbage', 'a/10.42.9.0-24'];
    for (const key of bad) await put(`subnets/${key}`, forms['10.42.1.0-24']);
    await put('subnets/10.42.10.0-24', '{"PublicIP":null}');
    // flanneld's list has no slash behind "subnets", and takes this one in.
    await put('subnets-x/10.42.11.0-24', forms['10.42.1.0-24']);
    const view = await firstView(ground().direct());
    assert.deepEqual([...view.leases.keys()], Object.keys(forms));
    assert.deepEqual(view.skipped.map(({ key }) => key).toSorted(), [...bad, '10.42.10.0-24'].toSorted());
    assert.deepEqual(
      [...view.leases.values()].map(({ attributes: value }) => encodeLeaseValue(value)),
      Object.values(forms).map((text) =>
        text.includes('PublicIPv6') ? text : text.replace(',', ',"PublicIPv6":null,'),
      ),
      'written again they are the same bytes',
    );
  });

  it('without an etcd lease, which is how flannel\u2019s documents reserve a subnet, stay so when their node takes and renews them', async () => {
    const { store } = ground().direct();
    await put('subnets/10.42.1.0-24', flanneldValue(publicIP(7)));
    const mine = wish(a, { publicIP: publicIP(7) });
    const first = await store.claim(mine, signal);
    assert.deepEqual([first.how, first.lease.key], ['created', '10.42.1.0-24']);
    assert.equal((await read('subnets/10.42.1.0-24'))?.lease, '0');
    const renewed = await store.renew(first.lease, attributes(a, 1, publicIP(7)), HOUR, signal);
    assert.equal((await read('subnets/10.42.1.0-24'))?.lease, '0');
    const again = await store.claim({ ...mine, previous: subnet(1) }, signal);
    assert.deepEqual([again.how, again.lease.epoch], ['adopted', renewed.epoch]);
    assert.equal((await read('subnets/10.42.1.0-24'))?.lease, '0');
    // Peers would go on sending to who has left.
    await store.release(again.lease, signal);
    assert.equal(await read('subnets/10.42.1.0-24'), undefined);
    await assert.rejects(store.claim(wish(b, { within: [subnet(1)] }), signal), { code: 'NO_SUBNET' });
    assert.equal((await store.claim({ ...mine, within: [subnet(1)] }, signal)).how, 'created');
  });

  it('that flanneld rewrote are no longer renewed as ours, until they are claimed again', async () => {
    const { store } = ground().direct();
    const { lease } = await store.claim(wish(a, { previous: subnet(1), publicIP: publicIP(7) }), signal);
    await ground().world.writeForeign('10.42.1.0-24', flanneldValue(publicIP(7)));
    await assert.rejects(store.renew(lease, attributes(a), HOUR, signal), {
      code: 'LEASE_LOST',
      message: /flanneld at 192\.0\.2\.7/,
    });
    const { how, lease: back } = await store.claim(wish(a, { previous: subnet(1), publicIP: publicIP(7) }), signal);
    assert.deepEqual([how, back.epoch], ['adopted', lease.epoch]);
  });

  it('over which garbage was put are renewed by their owner, and by nobody else', async () => {
    const { store } = ground().direct();
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    await put('subnets/10.42.1.0-24', 'garbage');
    const renewed = await store.renew(lease, attributes(a), HOUR, signal);
    assert.equal(renewed.epoch, lease.epoch);
    assert.equal((await read('subnets/10.42.1.0-24'))?.text, encodeLeaseValue(attributes(a)));
    await ground().world.raw.delete().key(`${ground().world.prefix}/subnets/10.42.1.0-24`);
    await put('subnets/10.42.1.0-24', 'garbage');
    await assert.rejects(store.renew(lease, attributes(a), HOUR, signal), { code: 'LEASE_LOST' });
    assert.equal((await read('subnets/10.42.1.0-24'))?.text, 'garbage');
  });

  it('stand where flannel\u2019s prefix says, however it is written', async () => {
    const { world, server } = ground();
    const { store } = world.openAt(`etcd://${server.endpoint}/${world.prefix}//`);
    await store.claim(wish(a, { previous: subnet(1) }), signal);
    assert.deepEqual(viewText(await firstView(ground().direct())), ['10.42.1.0-24 node-a']);
    assert.equal(parseUrl('etcd://h').prefix, '/coreos.com/network');
  });

  /** How often the server has answered each call. */
  async function answered(): Promise<Map<string, number>> {
    const text = await (await fetch(`http://${ground().server.endpoint}/metrics`)).text();
    const calls = new Map<string, number>();
    for (const [, method = '', count] of text.matchAll(
      /^grpc_server_handled_total\{grpc_code="OK",grpc_method="(\w+)".*\} (\S+)$/gm,
    ))
      calls.set(method, (calls.get(method) ?? 0) + Number(count));
    return calls;
  }

  async function callsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
    const before = await answered();
    await work();
    const after = await answered();
    const calls = [...after].map(([method, count]): [string, number] => [method, count - (before.get(method) ?? 0)]);
    return Object.fromEntries(calls.filter(([, count]) => count > 0));
  }

  it('cost a restarted node one read and one conditional write, and a list one call, with 5,000 leases as with one', async () => {
    const { store } = ground().direct();
    const { raw, prefix } = ground().world;
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    const total = 5000;
    for (let at = 0; at < total; at += 100)
      await raw.kv.txn({
        compare: [],
        failure: [],
        success: Array.from({ length: 100 }, (_, index) => at + index).map((number) => ({
          request_put: {
            key: Buffer.from(`${prefix}/subnets/10.${64 + (number >> 8)}.${number & 255}.0-24`),
            value: Buffer.from(encodeLeaseValue(attributes(node(number)))),
          },
        })),
      });
    const restart = () => store.claim(wish(a, { previous: lease.subnet.v4, incarnation: 2 }), signal);
    assert.deepEqual(await callsOf(restart), { LeaseGrant: 2, Range: 1, Txn: 1 });
    const calls = await callsOf(async () => {
      assert.equal((await firstView(ground().direct())).leases.size, total + 1);
    });
    assert.equal(calls['Txn'], 1);
    assert.deepEqual([calls['Range'], calls['LeaseTimeToLive']], [undefined, undefined]);
    const renewal = () => store.renew(lease, attributes(a, 2), HOUR, signal);
    // The version is an old one here; with the latest it is one transaction.
    assert.deepEqual(await callsOf(renewal), { LeaseGrant: 2, Txn: 2 });
  });
});
