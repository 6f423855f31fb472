/** The deeds of another hand in etcd: with etcd3's own calls, past all of ours. */
import { setTimeout as wait } from 'node:timers/promises';
import { Etcd3 } from 'etcd3';
import { Keys } from '../../providers/etcd/keys.ts';
import { holderText } from '../../providers/etcd/lease-rows.ts';
import { parseUrl } from '../../providers/etcd/url.ts';
import { parseAddress } from '../../src/core/address.ts';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { Deed } from './another-hand.ts';

const TTL_SECONDS = 24 * 3600;

export async function doInEtcd(url: string, deed: Deed): Promise<void> {
  const { endpoints, prefix } = parseUrl(url);
  const keys = new Keys(prefix);
  const etcd = new Etcd3({ hosts: endpoints.map((endpoint) => `http://${endpoint}`) });
  const lease = (): ReturnType<Etcd3['lease']> => etcd.lease(TTL_SECONDS, { autoKeepAlive: false });
  const plain = async ({ subnet, publicIP }: { readonly subnet: string; readonly publicIP: string }): Promise<void> => {
    const key = leaseKeyOf({ v4: parseSubnet(subnet) });
    await lease()
      .put(keys.lease(key))
      .value(encodeLeaseValue({ publicIP: parseAddress(publicIP) }));
  };
  const take = async (subnet: string): Promise<void> => {
    await etcd.delete().key(keys.lease(leaseKeyOf({ v4: parseSubnet(subnet) })));
  };
  switch (deed.deed) {
    case 'write config':
      await etcd.put(keys.config).value(deed.text);
      break;
    case 'write lease':
      await lease().put(`${keys.leases}${deed.key}`).value(deed.value);
      break;
    case 'give lease': {
      const key = leaseKeyOf({ v4: parseSubnet(deed.subnet) });
      const node = parseNodeId(deed.node);
      const attributes = { publicIP: parseAddress(deed.publicIP), weft: { node, incarnation: 1, mtuBytes: 1500 } };
      const value = encodeLeaseValue(attributes);
      await lease()
        .put(keys.held(key))
        .value(holderText(node, TTL_SECONDS * 1000));
      await lease().put(keys.lease(key)).value(value);
      break;
    }
    case 'give plain lease':
      await plain(deed);
      break;
    case 'take lease':
      await take(deed.subnet);
      break;
    case 'let plain leases come and go': {
      const present = new Set<string>();
      for (let turn = 0; ; turn++) {
        const one = deed.leases[turn % deed.leases.length];
        if (one === undefined) break;
        const { subnet } = one;
        if (present.delete(subnet)) await take(subnet);
        else {
          present.add(subnet);
          await plain(one);
        }
        console.log(`${present.has(subnet) ? '+' : '-'} ${subnet}`);
        await wait(deed.everyMs);
      }
      break;
    }
    case 'delete config':
      await etcd.delete().key(keys.config);
      break;
    case 'make table':
      throw new Error('etcd has no tables');
  }
  etcd.close();
}
