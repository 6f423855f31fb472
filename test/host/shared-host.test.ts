import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { hostEntryKey } from '../../src/core/host-entry.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { SharedHost } from '../../src/host/shared-host.ts';
import { openStateDirectory, type StateDirectory } from '../../src/host/state-directory.ts';
import {
  BASE,
  base,
  lines,
  link,
  make,
  never,
  NETWORK,
  puts,
  removes,
  scope,
  seen,
  UPLINK,
} from '../contract/host-world.ts';
import { FakeHost } from '../fakes/fake-host.ts';

const file = { kind: 'file', path: '/run/flannel/subnet.env', text: 'ours\n' } as const;
const all = { ...scope, files: [file.path] };

let directory: string;
let kernel: FakeHost;
let open: StateDirectory[];

/** A daemon of this host, with a network of its own. */
async function daemon(network: string): Promise<{ state: StateDirectory; host: SharedHost }> {
  const state = await openStateDirectory({
    directory,
    instanceKey: [network],
    nodeId: parseNodeId('node-a'),
    machineIdPath: '/etc/machine-id',
  });
  open.push(state);
  await state.remember({ network: NETWORK });
  return { state, host: new SharedHost(kernel, state.claims, 'daemon') };
}

async function stop(state: StateDirectory): Promise<void> {
  await state.close();
  open = open.filter((it) => it !== state);
}

describe('two daemons of one host', () => {
  beforeEach(() => {
    directory = mkdtempSync(join(os.tmpdir(), 'weft-shared-'));
    kernel = new FakeHost({
      name: UPLINK,
      addresses: [{ address: parseAddress('192.168.7.1'), prefixLength: 24 }],
      mtuBytes: 1500,
    });
    open = [];
  });
  afterEach(async () => {
    await Promise.all(open.map((state) => state.close()));
    rmSync(directory, { recursive: true });
  });

  it('do not see each other’s device and subnet file', async () => {
    const [first, second] = [await daemon('one'), await daemon('two')];
    await make(first.host, puts(link, base, file));
    assert.equal(await seen(first.host, all), lines([link, base, file]));
    assert.equal(await seen(second.host, all), '');
  });

  it('leave a TUN device alone that somebody else has made to stay, although it has a name of theirs', async () => {
    const { host } = await daemon('one');
    const tun = { kind: 'tun', name: 'flannel0', mtuBytes: 1500, up: true } as const;
    const own = { kind: 'address', link: tun.name, address: BASE, prefixLength: 32 } as const;
    const other = { ...own, address: parseAddress('10.8.0.1') };
    const wide = { ...scope, links: [tun.name] };
    for (const entry of [tun, other]) kernel.set(entry);
    assert.equal(await seen(host, wide), '');
    assert.equal(await seen(host, wide), '', 'and lay no claim to it by looking');
    kernel.set(own);
    assert.equal(await seen(host, wide), lines([tun, own, other]), 'what carries their base is what they left');
    kernel.remove(hostEntryKey(own));
    assert.equal(await seen(host, wide), lines([tun, other]), 'and theirs from then on');
  });

  it('cannot change each other’s device, what stands on it, or subnet file, and are told whose they are', async () => {
    const [first, second] = [await daemon('one'), await daemon('two')];
    await make(first.host, puts(link, base, file));
    const before = kernel.text;
    const tried = await second.host.apply(
      [...puts({ ...link, mtuBytes: 1400 }, base, { ...file, text: 'theirs\n' }), ...removes(base)],
      never(),
    );
    const whose = `another weftd of this host of Network ${NETWORK} (${first.state.directory})`;
    assert.deepEqual(
      tried.map(({ error }) => `${error?.code}: ${error?.message}`),
      [
        `LINK_FOREIGN: device ${link.name} belongs to ${whose}`,
        `LINK_FOREIGN: device ${link.name} belongs to ${whose}`,
        `SUBNET_FILE_FOREIGN: ${file.path} is written by ${whose}`,
        `LINK_FOREIGN: device ${link.name} belongs to ${whose}`,
      ],
    );
    assert.equal(kernel.text, before);
  });

  it('keep what they have while they do not run; another may take it over then, and keeps it', async () => {
    const [first, second] = [await daemon('one'), await daemon('two')];
    await make(first.host, puts(link));
    await stop(first.state);
    assert.equal(await seen(second.host, all), '');
    await make(second.host, puts({ ...link, mtuBytes: 1400 }));
    const again = await daemon('one');
    const [outcome] = await again.host.apply(puts(link), never());
    assert.equal(outcome?.error?.code, 'LINK_FOREIGN');
  });

  it('give up what they remove', async () => {
    const [first, second] = [await daemon('one'), await daemon('two')];
    await make(first.host, puts(link));
    await make(first.host, removes(link));
    await make(second.host, puts(link));
    assert.equal(await seen(second.host), lines([link]));
  });

  it('still have a device whose name is no longer theirs, until it is removed or found to be gone', async () => {
    const { state, host } = await daemon('one');
    await make(host, puts(link));
    await stop(state);
    const renamed = { ...all, links: ['weft.72'] };
    const again = await daemon('one');
    assert.equal(await seen(again.host, renamed), lines([link]));
    await make(again.host, removes(link));
    assert.deepEqual(again.state.claims.ownLinks(), []);
    await make(again.host, puts(link));
    kernel.kernel.make({ op: 'remove', was: link });
    assert.deepEqual(again.state.claims.ownLinks(), [link.name]);
    await seen(again.host, renamed);
    assert.deepEqual(again.state.claims.ownLinks(), []);
  });

  it('have what they find when nobody has it, unless they only look', async () => {
    const [first, second] = [await daemon('one'), await daemon('two')];
    kernel.set(link);
    assert.equal(await seen(new SharedHost(kernel, first.state.claims, 'dry run')), lines([link]));
    assert.equal(await seen(second.host), lines([link]));
    assert.equal(await seen(first.host), '');
  });

  it('live with claims that cannot be read, and with those of a daemon whose state is gone', async () => {
    const [first, second] = [await daemon('one'), await daemon('two')];
    await make(first.host, puts(link));
    await stop(first.state);
    rmSync(first.state.directory, { recursive: true });
    assert.equal(await seen(second.host), lines([link]));
    writeFileSync(join(directory, 'claims.json'), '{"link');
    await make(second.host, puts({ ...link, name: 'weft.72' }));
    assert.deepEqual(JSON.parse(readFileSync(join(directory, 'claims.json'), 'utf8')), {
      'link weft.72': second.state.instance.id,
    });
  });
});
