import { parseAddress } from '../../src/core/address.ts';
import { hostEntryKey } from '../../src/core/host-entry.ts';
import { hostNetworkContract } from '../contract/host-network.ts';
import { mac, SIDE, UPLINK, type HostWorld } from '../contract/host-world.ts';
import { FakeHost } from './fake-host.ts';

function fakeWorld(): HostWorld {
  const host = new FakeHost(
    {
      name: UPLINK,
      addresses: [{ address: parseAddress('192.168.7.1'), prefixLength: 24 }],
      mac: mac('02:00:00:00:70:01'),
      mtuBytes: 1500,
      gateway: parseAddress('192.168.7.254'),
    },
    { name: SIDE, addresses: [{ address: parseAddress('192.168.9.1'), prefixLength: 24 }], mtuBytes: 1400 },
  );
  return {
    host,
    hand: {
      set: (entry) => host.set(entry),
      remove: (entry) => host.remove(hostEntryKey(entry)),
      setForeign: (route) => host.setForeign(route),
      addDevice: (name) => host.addDevice({ name, addresses: [], mtuBytes: 1500 }),
      removeDevice: (name) => host.removeDevice(name),
    },
    close: () => {},
  };
}

hostNetworkContract('fake', fakeWorld);
