import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { flanneldValue, never, node, publicIP, viewText, wish } from '../contract/store-world.ts';
import { currentView } from '../../src/commands/with-store.ts';
import { Terminal } from './typed.ts';

/** Two nodes of Weft and a plain flanneld. */
async function cluster(): Promise<Terminal> {
  const terminal = new Terminal();
  await terminal.type('config set -f -', '{"Network":"10.42.0.0/16"}');
  await terminal.store.claim(wish(node('a'), { previous: parseSubnet('10.42.7.0/24') }), never());
  await terminal.store.claim(
    wish(node('b'), { previous: parseSubnet('10.42.100.0/24'), publicIP: publicIP(2) }),
    never(),
  );
  terminal.store.writeForeign('10.42.9.0-24', flanneldValue(parseAddress('192.0.2.9')));
  return terminal;
}

const leases = async (terminal: Terminal): Promise<string[]> => viewText(await currentView(terminal.store, never()));

describe('weftd lease list', () => {
  it('shows leases in the order of their subnets, and reservations', async () => {
    const terminal = await cluster();
    await terminal.type('lease reserve 10.42.50.0/24 node-x');
    const { out } = await terminal.type('lease list');
    assert.equal(
      out.replaceAll(/ +\d+$/gm, ' N'),
      `SUBNET          NODE        PUBLIC IP  OFFERS         EPOCH
10.42.7.0/24    node-a      192.0.2.1  direct, vxlan N
10.42.9.0/24    (flanneld)  192.0.2.9  vxlan N
10.42.100.0/24  node-b      192.0.2.2  direct, vxlan N

RESERVED       FOR
10.42.50.0/24  node-x
`,
    );
  });

  it('says when there is none', async () => {
    assert.equal((await new Terminal().type('lease list')).out, 'No leases.\n');
  });

  it('is JSON for programs', async () => {
    const { out } = await (await cluster()).type('lease list --json');
    const { leases: listed } = JSON.parse(out) as { leases: { subnet: string; attributes: { publicIP: string } }[] };
    assert.deepEqual(
      listed.map(({ subnet, attributes }) => `${subnet} ${attributes.publicIP}`),
      ['10.42.7.0/24 192.0.2.1', '10.42.9.0/24 192.0.2.9', '10.42.100.0/24 192.0.2.2'],
    );
  });

  it('ends with the error when the store is away, and does not wait', async () => {
    const terminal = await cluster();
    const { watch } = terminal.store;
    terminal.store.watch = async function* (signal, onTrouble) {
      onTrouble?.(new Error('ECONNREFUSED'));
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      yield* watch.call(terminal.store, signal);
    };
    const { err, exit } = await terminal.type('lease list');
    assert.deepEqual([exit, /ECONNREFUSED/.test(err)], [1, true]);
  });
});

describe('weftd lease show', () => {
  it('finds a lease by subnet and by an address in it', async () => {
    const terminal = await cluster();
    const { out } = await terminal.type('lease show 10.42.7.0/24');
    assert.match(out, /^node +node-a$/m);
    assert.equal((await terminal.type('lease show 10.42.7.33')).out, out);
  });

  it('shows what plain flanneld says', async () => {
    const { out } = await (await cluster()).type('lease show 10.42.9.1');
    assert.match(out, /^node +none: a plain flanneld$/m);
    assert.match(out, /^flannel +vxlan \{"VNI":1,"VtepMAC":"ae:f2:1a:4a:99:66"\}$/m);
  });

  it('tells garbage from a subnet that nobody has', async () => {
    const terminal = await cluster();
    assert.match(
      (await terminal.type('lease show 10.42.8.0/24')).err,
      /^weftd: BAD_OPTION: no lease holds 10\.42\.8\.0\/24\n {2}weftd lease list/,
    );
    assert.match((await terminal.type('lease show host-a')).err, /"host-a": expected a subnet like/);
  });
});

describe('weftd lease release', () => {
  it('leaves a live lease alone without --yes', async () => {
    const terminal = await cluster();
    const { err, exit } = await terminal.type('lease release 10.42.7.0/24');
    assert.deepEqual(
      [exit, err.split('\n')[0]],
      [1, 'weftd: SUBNET_IN_USE: 10.42.7.0/24 is leased by node-a, which may be alive'],
    );
    assert.equal((await leases(terminal)).length, 3);
  });

  it('frees the one that was named, and no other', async () => {
    const terminal = await cluster();
    assert.equal((await terminal.type('lease release --yes 10.42.7.0/24')).exit, 0);
    assert.deepEqual(await leases(terminal), ['10.42.100.0-24 node-b', '10.42.9.0-24 192.0.2.9']);
  });
});

describe('weftd lease reserve', () => {
  it('keeps a subnet for its node, until it is taken back', async () => {
    const terminal = await cluster();
    await terminal.type('lease reserve 10.42.60.0/24 node-c');
    const { lease } = await terminal.store.claim(wish(node('c')), never());
    assert.equal(lease.subnet.v4, '10.42.60.0/24');
    assert.equal((await terminal.type('lease reserve --remove 10.42.60.0/24')).exit, 0);
    assert.equal((await terminal.records.list('reservation', never())).records.size, 0);
  });

  it('refuses what could never be leased', async () => {
    const terminal = await cluster();
    for (const subnet of ['10.43.1.0/24', '10.42.1.0/25', '10.42.0.0/24']) {
      const { exit, err } = await terminal.type(`lease reserve ${subnet} node-c`);
      assert.deepEqual([exit, err.startsWith('weftd: BAD_OPTION: ')], [2, true], subnet);
    }
  });

  it('says what is missing', async () => {
    const terminal = await cluster();
    assert.match((await terminal.type('lease reserve 10.42.60.0/24')).err, /BAD_OPTION: the node is missing/);
    assert.match(
      (await terminal.type('lease reserve')).err,
      /BAD_OPTION: weftd lease reserve: missing required argument 'subnet'/,
    );
    assert.match((await terminal.type('lease reserve --remove 10.42.60.0/24 node-c')).err, /--remove takes no node/);
  });
});
