/** Commands of the network config, run for real: what they are told, what is remembered of them, and what becomes of those that fail or hang. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { diff, type Change } from '../../src/core/diff.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { ExtensionCommands, ExtensionPeer } from '../../src/core/extension.ts';
import { HOST_ENTRIES, type HostEntry } from '../../src/core/host-entry.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { Extension } from '../../src/host/extension.ts';
import { ExtensionLife } from '../../src/host/extension-life.ts';
import { ExtensionMemory } from '../../src/host/extension-memory.ts';
import { ExtensionPeers } from '../../src/host/extension-peers.ts';
import { FakeHost } from '../fakes/fake-host.ts';
import { ListLog } from '../fakes/list-log.ts';

const never = new AbortController().signal;
const SCOPE = { networks: [], links: [], sysctls: [], files: [], accepts: [] };
const SELF = {
  network: parseSubnet('10.42.0.0/16'),
  subnet: parseSubnet('10.42.1.0/24'),
  publicIP: parseAddress('192.168.0.1'),
};

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'weft-extension-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What the commands have written there, a line each. */
const ran = (): string[] => {
  const file = join(folder, 'ran');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
};
const note = (words: string): string => `echo "${words}" >> ${folder}/ran`;

const peer = (n: number, changes: Partial<ExtensionPeer> = {}): ExtensionPeer => ({
  kind: 'extension',
  subnet: parseSubnet(`10.42.${n}.0/24`),
  publicIP: parseAddress(`192.168.0.${n}`),
  data: `data of ${n}`,
  add: `read DATA; ${note('add $SUBNET $PUBLIC_IP $DATA')}`,
  remove: `read DATA; ${note('remove $SUBNET $PUBLIC_IP $DATA')}`,
  ...changes,
});

/** A daemon's life with the host: its memory is read anew, as after a kill. */
function daemon(life = 'boot 1', limitMs?: number) {
  const memory = new ExtensionMemory(folder, life);
  const log = new ListLog();
  const host = new ExtensionPeers(new FakeHost(), memory, limitMs);
  return {
    log,
    life: new ExtensionLife(memory, log),
    host,
    /** One pass: what came of each change. */
    async wants(...wanted: readonly HostEntry[]): Promise<string[]> {
      const { entries } = await host.observe(SCOPE, never);
      const outcomes = await host.apply(diff(entries, wanted, HOST_ENTRIES), never);
      return outcomes.map(({ change, error }) => `${change.op} ${error === undefined ? 'done' : error.message}`);
    },
  };
}

describe('peers that commands reach', () => {
  it('are added and removed once each, told subnet, address and what the peer printed', async () => {
    const { wants } = daemon();
    assert.deepEqual(await wants(peer(3), peer(4)), ['put done', 'put done']);
    assert.deepEqual(await wants(peer(3), peer(4)), []);
    assert.deepEqual(await wants(peer(4)), ['remove done']);
    assert.deepEqual(ran(), [
      'add 10.42.3.0/24 192.168.0.3 data of 3',
      'add 10.42.4.0/24 192.168.0.4 data of 4',
      'remove 10.42.3.0/24 192.168.0.3 data of 3',
    ]);
  });

  it('that changed are removed as they were and added as they are', async () => {
    const { wants } = daemon();
    await wants(peer(3));
    await wants(peer(3, { publicIP: parseAddress('192.168.0.33') }));
    await wants(peer(3, { publicIP: parseAddress('192.168.0.33'), remove: note('other remove') }));
    await wants();
    assert.deepEqual(ran(), [
      'add 10.42.3.0/24 192.168.0.3 data of 3',
      'remove 10.42.3.0/24 192.168.0.3 data of 3',
      'add 10.42.3.0/24 192.168.0.33 data of 3',
      'remove 10.42.3.0/24 192.168.0.33 data of 3',
      'add 10.42.3.0/24 192.168.0.33 data of 3',
      'other remove',
    ]);
  });

  it('are still known after a kill: nothing is repeated, and who left meanwhile is removed; after a boot all is added anew', async () => {
    await daemon().wants(peer(3), peer(4));
    assert.deepEqual(await daemon().wants(peer(4)), ['remove done']);
    assert.deepEqual(await daemon('boot 2').wants(peer(4)), ['put done']);
    assert.deepEqual(ran().slice(2), [
      'remove 10.42.3.0/24 192.168.0.3 data of 3',
      'add 10.42.4.0/24 192.168.0.4 data of 4',
    ]);
  });

  it('whose command fails are tried again, after what it did half was removed; others are not held up', async () => {
    const { wants } = daemon();
    const failing = peer(3, { add: `${note('half')}; test -e ${folder}/mended || { echo no way >&2; exit 2; }` });
    const words = 'put SubnetAddCommand for 10.42.3.0/24 at 192.168.0.3 ended with 2: no way';
    assert.deepEqual(await wants(failing, peer(4)), [words, 'put done']);
    assert.deepEqual(await wants(failing, peer(4)), [words]);
    writeFileSync(`${folder}/mended`, '');
    assert.deepEqual(await wants(failing, peer(4)), ['put done']);
    assert.deepEqual(await wants(failing, peer(4)), []);
    assert.deepEqual(
      ran().filter((line) => !line.includes('10.42.4')),
      [
        'half',
        'remove 10.42.3.0/24 192.168.0.3 data of 3',
        'half',
        'remove 10.42.3.0/24 192.168.0.3 data of 3',
        'half',
      ],
    );
  });

  it('whose addition a kill cut off are removed before they are added again, or for good', async () => {
    const memory = new ExtensionMemory(folder, 'boot 1');
    memory.keep({ ...peer(3), half: true });
    memory.keep({ ...peer(4), half: true, remove: 'exit 1' });
    assert.deepEqual(await daemon().wants(peer(3)), ['put done', 'remove done']);
    assert.deepEqual(ran(), ['remove 10.42.3.0/24 192.168.0.3 data of 3', 'add 10.42.3.0/24 192.168.0.3 data of 3']);
    assert.deepEqual(await daemon().wants(peer(3)), []);
  });

  it('that cannot be removed are tried a few times, then forgotten', async () => {
    const { wants } = daemon();
    await wants(peer(3, { remove: 'echo not there >&2; exit 2' }));
    const words = 'remove SubnetRemoveCommand for 10.42.3.0/24 at 192.168.0.3 ended with 2: not there';
    for (let i = 0; i < 8; i++) assert.deepEqual(await wants(), [words]);
    assert.deepEqual(await wants(), []);
  });

  it('that hang keep nobody waiting behind them a second time', async () => {
    // Time enough for a command that does not hang, also where many run at once.
    const { wants } = daemon('boot 1', 2000);
    const hanging = peer(3, { add: `${note('hang')}; sleep 63` });
    assert.deepEqual((await wants(hanging)).length, 1);
    const [first, second] = await wants(hanging, peer(4));
    assert.match(first ?? '', /took longer than 2 s/);
    assert.equal(second, 'put done');
    assert.deepEqual(
      ran().filter((line) => !line.startsWith('remove')),
      ['hang', 'add 10.42.4.0/24 192.168.0.4 data of 4', 'hang'],
    );
  });

  it('are counted command by command as they end, well or not, so that a pass with many does not seem to hang', async () => {
    const extension = new Extension(new FakeHost(), folder, new ListLog(), 900);
    const { signal } = new AbortController();
    const commands = { preStartup: '', postStartup: '', subnetAdd: '', subnetRemove: '', shutdown: '' };
    await extension.prepare(commands, signal);
    const wanted = [peer(3), peer(4, { add: 'exit 1' }), peer(5, { add: 'sleep 63' })];
    const outcomes = await extension.host.apply(diff([], wanted, HOST_ENTRIES), signal);
    assert.equal(extension.commandsEnded, 3);
    const words = outcomes.map(({ error }) => error?.message ?? 'done').join('\n');
    assert.match(words, /took longer than 0\.3 s/, 'a third of what the service manager waits');
  });

  it('come after all else that is put, and go before all else that is removed', async () => {
    const { host } = daemon();
    const file: HostEntry = { kind: 'file', path: '/x', text: '' };
    const changes: Change<HostEntry>[] = [
      { op: 'put', want: file },
      { op: 'put', want: peer(3) },
      { op: 'remove', was: peer(4) },
      { op: 'remove', was: file },
    ];
    assert.deepEqual(
      (await host.apply(changes, never)).map(({ change }) => change),
      changes,
    );
    assert.deepEqual((await host.observe(SCOPE, never)).entries, [peer(3)]);
  });
});

describe('commands that set up a host', () => {
  const commands = (changes: Partial<ExtensionCommands> = {}): ExtensionCommands => ({
    preStartup: `${note('pre')}; echo made`,
    postStartup: note('post $NETWORK $SUBNET $PUBLIC_IP'),
    subnetAdd: '',
    subnetRemove: '',
    shutdown: note('shutdown'),
    ...changes,
  });
  const POST = 'post 10.42.0.0/16 10.42.1.0/24 192.168.0.1';

  async function start(given: ExtensionCommands | undefined, life = 'boot 1') {
    const started = daemon(life);
    const output = await started.life.prepare(given, never);
    await started.life.settle(SELF, never);
    return { ...started, output };
  }

  it('run before and after the claim, and not again after a kill; after a boot they do', async () => {
    assert.equal((await start(commands())).output, 'made');
    assert.equal((await start(commands())).output, 'made');
    assert.deepEqual(ran(), ['pre', POST]);
    await start(commands(), 'boot 2');
    assert.deepEqual(ran(), ['pre', POST, 'pre', POST]);
  });

  it('run anew after a shutdown, and so do those of all peers', async () => {
    const { life, wants } = await start(commands());
    await wants(peer(3));
    await life.shutDown(never);
    await life.shutDown(never);
    const again = await start(commands());
    assert.deepEqual(await again.wants(peer(3)), ['put done']);
    const add = 'add 10.42.3.0/24 192.168.0.3 data of 3';
    assert.deepEqual(ran(), ['pre', POST, add, 'shutdown', 'pre', POST, add]);
  });

  it('stand over a stop when there is nothing to shut down with', async () => {
    const { life, wants } = await start(commands({ shutdown: '' }));
    await wants(peer(3));
    await life.shutDown(never);
    assert.deepEqual(await (await start(commands({ shutdown: '' }))).wants(peer(3)), []);
  });

  it('that changed in the config are shut down as they were, and so are those of a backend that is no more', async () => {
    await start(commands());
    await start(commands({ preStartup: note('other') }));
    await start(undefined);
    await start(undefined);
    assert.deepEqual(ran(), ['pre', POST, 'shutdown', 'other', POST, 'shutdown']);
  });

  it('stop the start when they fail, with their own words, and run anew from a clean host', async () => {
    const failing = commands({ postStartup: 'echo no such device >&2; exit 2' });
    await assert.rejects(start(failing), {
      code: 'EXTENSION_FAILED',
      message: 'PostStartupCommand ended with 2: no such device',
    });
    await start(commands());
    assert.deepEqual(ran(), ['pre', 'shutdown', 'pre', POST]);
  });

  it('that print more than a lease holds stop the start', async () => {
    await assert.rejects(
      start(commands({ preStartup: 'head -c 40000 /dev/zero | tr "\\\\0" x' })),
      (error: unknown) => {
        assert.ok(error instanceof WeftError);
        return error.code === 'EXTENSION_FAILED' && error.message.includes('32 KiB');
      },
    );
  });

  it('that cannot be shut down are told of, and peers are removed before they are added again', async () => {
    const { life, wants, log } = await start(commands({ shutdown: 'exit 1' }));
    await wants(peer(3));
    await life.shutDown(never);
    assert.match(log.text.join(), /warn command failed/);
    await (await start(commands())).wants(peer(3));
    assert.deepEqual(ran().slice(-2), [
      'remove 10.42.3.0/24 192.168.0.3 data of 3',
      'add 10.42.3.0/24 192.168.0.3 data of 3',
    ]);
  });
});
