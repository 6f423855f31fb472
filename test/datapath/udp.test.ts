import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonValue } from '../../src/core/json.ts';
import { tunLinkName } from '../../src/core/instance.ts';
import type { Lease } from '../../src/core/lease.ts';
import { udp } from '../../src/datapath/udp.ts';
import { entriesText, lease, selfAt, uplinkAt } from './cluster.ts';

const MINE = lease('10.42.1.0/24', '192.168.0.1', { weft: {} });
const at = (config: JsonValue, mtuBytes = 1500) =>
  selfAt({ Network: '10.42.0.0/16', ...(config as object) }, MINE, uplinkAt('192.168.0.1', { mtuBytes }));
const UDP = at({ Backend: { Type: 'udp' } });
const why = (self: typeof UDP, peer: Lease): string => {
  const verdict = udp.judge(self, peer);
  return verdict.usable ? 'usable' : verdict.why;
};
const plain = lease('10.42.7.0/24', '192.168.7.7');
const weft = lease('10.42.8.0/24', '192.168.7.8', { weft: { udp: { port: 9000 }, mtuBytes: 1400 } });

describe('the udp path', () => {
  it('takes a plain lease at the port of the config, where that means flannel’s udp', () => {
    assert.equal(why(UDP, plain), 'usable');
    assert.equal(why(at({ Weft: {} }), plain), 'usable');
    const text = entriesText(udp.send(at({ Backend: { Type: 'udp', Port: 8300 } }), plain, undefined));
    assert.match(text.join(), /tunnel 10\.42\.7\.0\/24 to 192\.168\.7\.7:8300 /);
  });

  it('takes no plain lease where it may be one of a backend without tunnels, or of another type', () => {
    const paths = { Weft: { Paths: ['udp'] } };
    for (const Type of ['alloc', 'aws-vpc', 'auto', 'vxlan'])
      assert.match(why(at({ Backend: { Type }, ...paths }), plain), /advertises no udp endpoint/, Type);
    for (const type of ['vxlan', 'host-gw'])
      assert.match(why(UDP, lease('10.42.7.0/24', '192.168.7.7', { backend: [type] })), /advertises no udp/, type);
  });

  it('goes to a Weft peer at the port that it advertises, if it advertises one', () => {
    assert.equal(why(UDP, weft), 'usable');
    assert.match(why(UDP, lease('10.42.8.0/24', '192.168.7.8', { weft: {} })), /advertises no udp endpoint/);
    assert.deepEqual(entriesText(udp.send(UDP, weft, 8703)), [
      'route 10.42.8.0/24 dev flannel0 metric 8703 src 10.42.1.0 mtu 1372',
      'tunnel 10.42.8.0/24 to 192.168.7.8:9000 udp dev flannel0 mtu 1372',
    ]);
  });

  it('does not cross a public network in the clear unless it may', () => {
    const far = lease('10.42.9.0/24', '203.0.113.9');
    assert.match(why(UDP, far), /203\.0\.113\.9 is a public address and udp does not encrypt/);
    assert.equal(why(at({ Backend: { Type: 'udp' }, Weft: { AllowPlaintext: true } }), far), 'usable');
  });

  it('takes 28 bytes of each packet, and its device carries no more than the uplink', () => {
    assert.match(entriesText(udp.receive(UDP)).join('\n'), /link flannel0 tun mtu 1472 up/);
    assert.match(entriesText(udp.receive(at({ Backend: { Type: 'udp', MTU: 9001 } }))).join('\n'), /mtu 1472 up/);
    assert.match(entriesText(udp.receive(at({ Backend: { Type: 'udp' } }, 9001))).join('\n'), /mtu 8973 up/);
  });

  it('knows its own route by the device, whatever else it says', () => {
    const [, route] = udp.send(UDP, weft, undefined);
    assert.ok(route?.kind === 'route');
    assert.equal(udp.leads(UDP, weft, { ...route, mtuBytes: 576 }), true);
    assert.equal(udp.leads(UDP, weft, { ...route, link: 'flannel.1' }), false);
  });

  it('has flannel’s device where flannel would have it, and else one of its own that two networks never share', () => {
    assert.equal(tunLinkName('udp', 8285), 'flannel0');
    assert.equal(tunLinkName('vxlan', 8285), 'weft.udp8285');
    assert.equal(tunLinkName('udp', 9000), 'weft.udp9000');
    assert.ok(tunLinkName('auto', 65_535).length <= 15);
  });
});
