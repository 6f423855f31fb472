import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { storeIdentity } from '../../src/commands/open-store.ts';
import { namedStore } from '../../src/commands/named-store.ts';
import { readOptions, splitArguments } from '../../src/commands/read-arguments.ts';
import { checkConfig } from '../../src/core/config-check.ts';
import { weftUnit } from '../../src/core/user-data-unit.ts';
import { flagOf, OPTION_KEYS, optionOf, variableOf } from '../../src/options.ts';
import { StandInInstance } from '../commands/stand-in-instance.ts';
import { Terminal } from '../commands/typed.ts';
import { readDocument } from './tables.ts';

const files = readdirSync('examples', { recursive: true, encoding: 'utf8' }).map((file) => path.join('examples', file));
const ending = (suffix: string): string[] => files.filter((file) => file.endsWith(suffix));

/** `NAME=value` lines of a systemd environment file. */
const variables = (file: string): [string, string][] =>
  readDocument(file)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);

describe('the examples', () => {
  for (const file of ending('network.json')) {
    it(`${file} is a network config without a fault`, () => {
      assert.deepEqual(
        checkConfig(readDocument(file)).filter(({ level }) => level !== 'note'),
        [],
      );
    });
  }

  for (const file of ending('weftd.env')) {
    it(`${file} names variables that exist, with values that can be read`, async () => {
      const known = new Set(OPTION_KEYS.map((key) => variableOf(flagOf(key))));
      const ours = variables(file).filter(([name]) => !name.startsWith('AWS_'));
      assert.deepEqual(
        ours.map(([name]) => name).filter((name) => !known.has(name)),
        [],
      );
      const options = readOptions('run', splitArguments([]), Object.fromEntries(ours));
      assert.ok(options.store !== undefined);
      await storeIdentity(options.store);
    });
  }

  it('examples/reconciler/reconcile.env names variables that weftd reconcile takes, with values that can be read', () => {
    const given = variables('examples/reconciler/reconcile.env').filter(([name]) => !name.startsWith('AWS_'));
    const takes = OPTION_KEYS.filter((key) => optionOf(key).uses.includes('reconcile'));
    const known = new Set(takes.map((key) => variableOf(flagOf(key))));
    assert.deepEqual(
      given.map(([name]) => name).filter((name) => !known.has(name)),
      [],
    );
    const options = readOptions('reconcile', splitArguments([]), Object.fromEntries(given));
    assert.deepEqual([options.vpc, options.nodeTag], [['vpc-0123456789abcdef0'], 'weft:node']);
  });

  it('examples/migrate-from-flannel/flanneld.env names the store as flanneld does, and nothing that weftd does not take', () => {
    const given = variables('examples/migrate-from-flannel/flanneld.env');
    const known = new Set(OPTION_KEYS.map((key) => variableOf(flagOf(key))));
    assert.deepEqual(
      given.map(([name]) => name).filter((name) => !known.has(name)),
      [],
    );
    const options = readOptions('run', splitArguments([]), Object.fromEntries(given));
    assert.match(namedStore(options).url, /^etcd:\/\/10\.0\.0\.1:2379,.*\/coreos\.com\/network\?tls=true&cafile=/);
    assert.equal(options.ipMasq, true);
  });

  it('examples/migrate-from-flannel/weft.conf puts weftd in the place of flanneld, and has the settings of our own unit', () => {
    const own = new Set(weftUnit({}).split('\n'));
    const settings = readDocument('examples/migrate-from-flannel/weft.conf')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('ExecStart='));
    assert.deepEqual(
      settings.filter((line) => !own.has(line)),
      [],
    );
  });

  for (const file of ending('.service')) {
    it(`${file} starts weftd with options that exist`, () => {
      const [, command = ''] = /^ExecStart=\S*\/weftd(.*)$/m.exec(readDocument(file)) ?? [];
      const split = splitArguments(command.trim().split(/\s+/));
      const name = file.includes('reconcile') ? 'reconcile' : 'run';
      assert.deepEqual(split.words, [name]);
      assert.doesNotThrow(() => readOptions(name, split, {}));
    });
  }

  it('examples/on-prem/weftd.service is the unit that user data writes too, but for its variables', () => {
    assert.equal(readDocument('examples/on-prem/weftd.service'), weftUnit({ environmentFile: '/etc/weft/weftd.env' }));
  });

  it('examples/aws/user-data.sh is what the command of its README prints, and starts weftd on an instance', async () => {
    const [, command = ''] =
      /^ *weftd (user-data .*) > user-data\.sh$/m.exec(readDocument('examples/aws/README.md')) ?? [];
    const { version } = JSON.parse(readDocument('package.json')) as { readonly version: string };
    const { out, err } = await new Terminal({}, version).type(command);
    const script = readDocument('examples/aws/user-data.sh');
    assert.equal(script, out, err);
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weft-example-'));
    const instance = new StandInInstance(folder, { packager: 'dnf', node: 22, has: ['npm', 'nft'] });
    const { said, exit, calls } = instance.boot(script);
    rmSync(folder, { recursive: true });
    assert.equal(exit, 0, said);
    assert.equal(calls.at(-1), 'systemctl restart --no-block weftd.service');
  });

  it('are there', () => {
    assert.ok(ending('network.json').length > 0 && ending('.service').length > 0);
  });
});
