/** Each of flannel's options of vxlan, from the text of the config to the kernel's own word of the device and the routes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/core/json.ts';
import { macFrom } from '../../src/core/mac.ts';
import { parseAddress } from '../../src/core/address.ts';
import { LinuxHost } from '../../src/host/linux-host.ts';
import { hostBasics } from '../../src/datapath/host-basics.ts';
import { containerMtu } from '../../src/datapath/mtu.ts';
import { datapathsOf } from '../../src/datapath/paths.ts';
import { diff } from '../../src/core/diff.ts';
import { HOST_ENTRIES } from '../../src/core/host-entry.ts';
import { hostScope } from '../../src/reconcile/host-scope.ts';
import { entriesOf, lease, selfAt, uplinkAt } from '../datapath/cluster.ts';
import { asRootOfOwnNamespace } from './own-user-namespace.ts';
import { enterOwnNetworkNamespace } from './own-network-namespace.ts';

const never = new AbortController().signal;
const ip = (words: string): string => execFileSync('ip', words.split(' '), { encoding: 'utf8' });

const OWN = lease('10.42.1.0/24', '192.168.7.1', { weft: {} });
const THEIRS = macFrom('flanneld');
/** Plain flanneld's, as they would be in a cluster of that config: one on the link, one behind a router. */
const peersOf = (VNI: number) => [
  lease('10.42.2.0/24', '192.168.7.2', { backend: ['vxlan', { VNI, VtepMAC: THEIRS }] }),
  lease('10.42.3.0/24', '192.168.9.3', { backend: ['vxlan', { VNI, VtepMAC: macFrom('far') }] }),
];

interface Made {
  /** What `ip -d -j link` says of the device as a whole, and of it as a vxlan device. */
  readonly device: JsonObject;
  readonly vxlan: JsonObject;
  readonly near: string;
  readonly far: string;
  /** FLANNEL_MTU. */
  readonly containers: number;
  readonly again: number;
}

function objectAt(value: JsonValue | undefined, ...names: readonly string[]): JsonObject {
  const [name, ...rest] = names;
  assert.ok(isJsonObject(value));
  return name === undefined ? value : objectAt(value[name], ...rest);
}

/** Programs the host by that Backend, and reads the kernel. */
async function program(Backend: JsonObject, mtuBytes = 1500): Promise<Made> {
  enterOwnNetworkNamespace();
  for (const words of [
    'link add eth0 type veth peer name other',
    `link set eth0 mtu ${mtuBytes}`,
    'address add 192.168.7.1/24 dev eth0',
    'link set eth0 up',
    'link set other up',
    'route add default via 192.168.7.254',
  ])
    ip(words);
  const self = selfAt(
    { Network: '10.42.0.0/16', Backend },
    OWN,
    uplinkAt('192.168.7.1', { mtuBytes, gateway: parseAddress('192.168.7.254') }),
  );
  const paths = datapathsOf(self.config.paths);
  const basics = hostBasics(self, paths).filter(({ kind }) => kind !== 'accept');
  const wanted = [...basics, ...entriesOf(self, peersOf(self.config.vxlan.vni))];
  const host = new LinuxHost();
  const changes = async () => {
    const scope = { ...hostScope(self, basics, [], []), accepts: [] };
    return diff((await host.observe(scope, never)).entries, wanted, HOST_ENTRIES);
  };
  try {
    const outcomes = await host.apply(await changes(), never);
    assert.deepEqual(
      outcomes.flatMap(({ error }) => (error === undefined ? [] : [error.message])),
      [],
    );
    const name = `flannel.${self.config.vxlan.vni}`;
    const [link] = JSON.parse(ip(`-d -j link show ${name}`)) as JsonValue[];
    const route = (subnet: string): string => ip(`route show ${subnet}`).trim().replaceAll(/ +/g, ' ');
    return {
      device: objectAt(link),
      vxlan: objectAt(link, 'linkinfo', 'info_data'),
      near: route('10.42.2.0/24'),
      far: route('10.42.3.0/24'),
      containers: containerMtu(self, paths),
      again: (await changes()).length,
    };
  } finally {
    host.close();
  }
}

const skip = asRootOfOwnNamespace(import.meta.filename);
if (skip !== 'done') {
  describe('flannel’s options of vxlan reach the kernel', { skip }, () => {
    it('none: flannel’s defaults, on both hosts by the tunnel', async () => {
      const { device, vxlan, near, far, containers, again } = await program({ Type: 'vxlan' });
      const { id, port, learning, local, link, gbp = null } = vxlan;
      assert.deepEqual(
        { id, port, learning, local, link, gbp },
        { id: 1, port: 8472, learning: false, local: '192.168.7.1', link: 'eth0', gbp: null },
      );
      assert.deepEqual([device['ifname'], device['mtu'], device['operstate']], ['flannel.1', 1450, 'UNKNOWN']);
      assert.equal(containers, 1450);
      assert.equal(near, '10.42.2.0/24 via 10.42.2.0 dev flannel.1 proto 87 src 10.42.1.0 onlink mtu 1450');
      assert.equal(far, '10.42.3.0/24 via 10.42.3.0 dev flannel.1 proto 87 src 10.42.1.0 onlink mtu 1450');
      assert.equal(again, 0);
    });

    it('VNI: the device’s, and in its name', async () => {
      const { device, vxlan, far, again } = await program({ Type: 'vxlan', VNI: 77 });
      assert.deepEqual([device['ifname'], vxlan['id'], again], ['flannel.77', 77, 0]);
      assert.match(far, / dev flannel\.77 /);
    });

    it('Port: the device sends to it and listens there', async () => {
      const { vxlan, again } = await program({ Type: 'vxlan', Port: 4789 });
      assert.deepEqual([vxlan['port'], again], [4789, 0]);
      assert.match(execFileSync('ss', ['-uln'], { encoding: 'utf8' }), /:4789\s/);
    });

    it('GBP: the device carries group policy', async () => {
      const { vxlan, again } = await program({ Type: 'vxlan', GBP: true });
      assert.deepEqual([vxlan['gbp'], again], [true, 0]);
    });

    it('Learning: the device learns where MAC addresses are', async () => {
      const { vxlan, again } = await program({ Type: 'vxlan', Learning: true });
      assert.deepEqual([vxlan['learning'], again], [true, 0]);
    });

    it('DirectRouting: whoever is on the link is the next hop itself, whoever is not is behind the tunnel', async () => {
      const { near, far, containers, again } = await program({ Type: 'vxlan', DirectRouting: true });
      assert.match(near, /^10\.42\.2\.0\/24 via 192\.168\.7\.2 dev eth0 proto 87 src 10\.42\.1\.0 mtu 1500/);
      assert.match(far, /^10\.42\.3\.0\/24 via 10\.42\.3\.0 dev flannel\.1 /);
      assert.deepEqual([containers, again], [1450, 0]);
    });

    it('MTU: what the device, the routes and the containers start from', async () => {
      const { device, far, containers, again } = await program({ Type: 'vxlan', MTU: 1400 });
      assert.deepEqual([device['mtu'], containers, again], [1350, 1350, 0]);
      assert.match(far, / mtu 1350$/);
    });

    it('MTU above the uplink’s: containers get it, as flannel’s would; the device and its routes carry what they can', async () => {
      const { device, far, containers, again } = await program({ Type: 'vxlan', MTU: 9001 }, 1500);
      assert.deepEqual([device['mtu'], containers, again], [1450, 8951, 0]);
      assert.match(far, / mtu 1450$/);
    });

    it('on a link of jumbo frames: all that it carries', async () => {
      const { device, far, containers, again } = await program({ Type: 'vxlan' }, 9001);
      assert.deepEqual([device['mtu'], containers, again], [8951, 8951, 0]);
      assert.match(far, / mtu 8951$/);
    });
  });
}
