import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { extensionData, peerEnvironment, selfEnvironment, trimmedOutput } from '../../src/core/extension.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import { parseNetworkConfig, readNetworkConfig } from '../../src/core/parse-network-config.ts';
import { parseSubnet } from '../../src/core/subnet.ts';

const configOf = (config: object) => JSON.stringify({ Network: '10.42.0.0/16', ...config });

test('the commands of the config are read in any case, as flannel reads its keys; none is an empty text', () => {
  const Backend = { Type: 'Extension', preStartupCommand: 'a', SUBNETADDCOMMAND: 'b', Mtu: 1450 };
  const config = parseNetworkConfig(configOf({ Backend }));
  assert.deepEqual(config.extension, {
    preStartup: 'a',
    postStartup: '',
    subnetAdd: 'b',
    subnetRemove: '',
    shutdown: '',
  });
  assert.deepEqual(config.paths, []);
  assert.equal(config.mtuBytes, 1450);
  assert.equal(
    parseNetworkConfig(configOf({ Backend: { Type: 'vxlan', PreStartupCommand: 'a' } })).extension,
    undefined,
  );
});

test('a command that is no text, and paths beside commands, are refused', () => {
  const messages = (config: object): string[] =>
    readNetworkConfig(configOf(config)).problems.map(({ message }) => message);
  assert.match(
    messages({ Backend: { Type: 'extension', PreStartupCommand: 5 } }).join(),
    /error decoding extension backend config: PreStartupCommand: expected a string/,
  );
  assert.match(
    messages({ Backend: { Type: 'extension' }, Weft: { Paths: ['vxlan'] } }).join(),
    /Weft\.Paths is given, but with Backend\.Type extension commands reach the peers/,
  );
  assert.deepEqual(messages({ Backend: { Type: 'alloc' }, Weft: { Paths: ['vxlan'] } }), []);
});

test('output is trimmed as Go trims it, and stands in the lease as Go writes it', () => {
  assert.equal(trimmedOutput(' \n\u0085a\n<x>& \u00a0\r\n'), 'a\n<x>&');
  assert.equal(trimmedOutput('\ufeffa'), '\ufeffa');
  assert.equal(
    encodeLeaseValue({
      publicIP: parseAddress('10.99.0.1'),
      backendType: 'extension',
      backendData: trimmedOutput('a\n<x>&\n'),
    }),
    // FLANNEL.md 2.2, as flanneld wrote it.
    '{"PublicIP":"10.99.0.1","PublicIPv6":null,"BackendType":"extension","BackendData":"a\\n\\u003cx\\u003e\\u0026"}',
  );
});

test("a peer's data is the text of its BackendData; none when there is none", () => {
  assert.equal(extensionData('mac'), 'mac');
  assert.equal(extensionData(undefined), '');
  assert.equal(extensionData(null), '');
  assert.equal(extensionData({ VNI: 1 }), undefined);
});

test('the environment of a command names all that flannel names, empty where there is none', () => {
  const publicIP = parseAddress('192.168.0.3');
  const subnet = parseSubnet('10.42.3.0/24');
  assert.deepEqual(selfEnvironment({ network: parseSubnet('10.42.0.0/16'), subnet, publicIP }), {
    NETWORK: '10.42.0.0/16',
    SUBNET: '10.42.3.0/24',
    PUBLIC_IP: '192.168.0.3',
    IPV6SUBNET: '',
    PUBLIC_IPV6: '',
  });
  const peer = { kind: 'extension', subnet, publicIP, data: '', add: '', remove: '' } as const;
  assert.deepEqual(
    peerEnvironment({ ...peer, subnetV6: parseSubnet('fd00:3::/64'), publicIPv6: parseAddress('fd00::3') }),
    { SUBNET: '10.42.3.0/24', PUBLIC_IP: '192.168.0.3', IPV6SUBNET: 'fd00:3::/64', PUBLIC_IPV6: 'fd00::3' },
  );
});
