import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { never, node, wish } from '../contract/store-world.ts';
import { Terminal } from './typed.ts';

const GOOD = '{"Network":"10.42.0.0/16"}';

describe('weftd config set', () => {
  it('shows what is new, and writes it', async () => {
    const terminal = new Terminal();
    assert.deepEqual(await terminal.type('config set -f -', GOOD), {
      out: '+ {\n+   "Network": "10.42.0.0/16"\n+ }\nWritten, version 1.\n',
      err: '',
      exit: 0,
    });
    assert.equal((await terminal.store.config(never()))?.text, GOOD);
  });

  it('shows what changes', async () => {
    const terminal = new Terminal();
    await terminal.type('config set -f -', '{"Network":"10.42.0.0/16","SubnetLen":24}');
    const { out } = await terminal.type('config set -f -', '{"Network":"10.42.0.0/16","SubnetLen":25}');
    assert.equal(
      out,
      '  {\n    "Network": "10.42.0.0/16",\n-   "SubnetLen": 24\n+   "SubnetLen": 25\n  }\nWritten, version 2.\n',
    );
  });

  it('writes nothing when it stands so already', async () => {
    const terminal = new Terminal();
    await terminal.type('config set -f -', GOOD);
    const { out, exit } = await terminal.type('config set -f -', GOOD);
    assert.deepEqual(
      [out, exit, (await terminal.store.config(never()))?.version],
      ['It stands so already: nothing was written.\n', 0, '1'],
    );
  });

  it('writes nothing that has errors, and explains each', async () => {
    const terminal = new Terminal();
    const typed = await terminal.type(
      'config set --create-table -f -',
      '{"Network":"10.42.0.0/16","SubnetLen":31,"Weft":{"Pathz":[]}}',
    );
    assert.equal(typed.exit, 2);
    assert.match(typed.err, /^error {4}SubnetLen must be less than \/31 \(CONFIG_INVALID\)\n {9}-> /m);
    assert.match(typed.err, /^error {4}unknown key "Pathz" under Weft.*\n {9}-> Did you mean "Paths"\?/m);
    assert.match(typed.err, /^weftd: CONFIG_INVALID: nothing was written/m);
    assert.deepEqual([await terminal.store.config(never()), terminal.made], [undefined, false]);
  });

  it('makes the table when asked to', async () => {
    const terminal = new Terminal();
    assert.match((await terminal.type('config set --create-table -f -', GOOD)).out, /^The table was made\.\n/);
    assert.match((await terminal.type('config set --create-table -f -', GOOD)).out, /^The table stands already\.\n/);
  });

  it('stops when the config is of another version than the one that was read', async () => {
    const terminal = new Terminal();
    await terminal.type('config set -f -', GOOD);
    const typed = await terminal.type('config set --if-version 7 -f -', '{"Network":"10.43.0.0/16"}');
    assert.deepEqual(
      [typed.exit, typed.err.split('\n')[0], (await terminal.store.config(never()))?.text],
      [1, 'weftd: RECORD_CHANGED: nothing was written: the config is of version 1, not 7', GOOD],
    );
  });

  it('stops when somebody else writes in between', async () => {
    const terminal = new Terminal();
    await terminal.type('config set -f -', GOOD);
    const write = terminal.store.writeConfig.bind(terminal.store);
    terminal.store.writeConfig = async (text, ifVersion, signal) => {
      await write('{"Network":"10.99.0.0/16"}', undefined, signal);
      return write(text, ifVersion, signal);
    };
    const typed = await terminal.type('config set -f -', '{"Network":"10.43.0.0/16"}');
    assert.equal(typed.exit, 1);
    assert.match(typed.err, /RECORD_CHANGED: nothing was written: somebody else wrote the config in the meantime/);
    assert.equal((await terminal.store.config(never()))?.text, '{"Network":"10.99.0.0/16"}');
  });

  it('wants --yes for what running daemons cannot take over', async () => {
    const terminal = new Terminal();
    await terminal.type('config set -f -', GOOD);
    await terminal.store.claim(wish(node('a')), never());
    const refused = await terminal.type('config set -f -', '{"Network":"10.43.0.0/16"}');
    assert.equal(refused.exit, 2);
    assert.match(refused.err, /CONFIG_NOT_LIVE: nothing was written: hosts hold leases, and Network: /);
    assert.equal((await terminal.type('config set --yes -f -', '{"Network":"10.43.0.0/16"}')).exit, 0);
  });

  it('says what is missing without a file', async () => {
    assert.deepEqual(await new Terminal().type('config set'), {
      out: '',
      err: 'weftd: BAD_OPTION: no config is named\n  Name its file with -f FILE; -f - reads standard input.\n',
      exit: 2,
    });
  });

  it('names a file that cannot be read', async () => {
    const { err, exit } = await new Terminal().type('config set -f /nonexistent/network.json');
    assert.deepEqual(
      [err, exit],
      ['weftd: BAD_OPTION: --file "/nonexistent/network.json": cannot read it: ENOENT\n', 2],
    );
  });
});

describe('weftd config get', () => {
  it('prints the text as it was written', async () => {
    const terminal = new Terminal();
    await terminal.type('config set -f -', `${GOOD}\n`);
    assert.equal((await terminal.type('config get')).out, `${GOOD}\n`);
    assert.equal(
      (await terminal.type('config get --json')).out,
      `${JSON.stringify({ version: '1', text: `${GOOD}\n` })}\n`,
    );
  });

  it('says that there is none', async () => {
    const { err, exit } = await new Terminal().type('config get');
    assert.deepEqual(
      [err, exit],
      [
        'weftd: CONFIG_MISSING: there is no network config in memory://test\n  Write one: weftd config set -f FILE.\n',
        1,
      ],
    );
  });
});

describe('weftd config check', () => {
  it('explains a good config', async () => {
    const { out, exit } = await new Terminal().type(
      'config check -f -',
      '{"Network":"10.42.0.0/16","Backend":{"Type":"vxlan"}}',
    );
    assert.deepEqual(
      [out, exit],
      [
        `note     255 hosts can have a subnet of 256 addresses each: 10.42.1.0/24 to 10.42.255.0/24
note     Paths, the best first: vxlan
note     Containers get an MTU of 1450 on an uplink of 1500 (vxlan takes 50)
`,
        0,
      ],
    );
  });

  it('explains every error with a fix, and ends with 2', async () => {
    const text =
      '{"Network":"10.42.0.0/16","SubnetMin":"10.42.0.300","Backend":{"Type":"vxlam"},"Weft":{"LeaseTTL":"1d"}}';
    const { out, exit } = await new Terminal().type('config check -f -', text);
    assert.equal(exit, 2);
    assert.match(out, /^error {4}SubnetMin: invalid IP address format \(CONFIG_INVALID\)$/m);
    assert.match(out, /^error {4}.*unknown backend type: vxlam \(CONFIG_INVALID\)\n {9}-> Did you mean "vxlan"\?$/m);
    assert.match(out, /LeaseTTL/);
  });

  it('warns of SubnetMin above SubnetMax, of which no subnet can be had', async () => {
    const text = '{"Network":"10.42.0.0/16","SubnetMin":"10.42.9.0","SubnetMax":"10.42.5.0"}';
    const { out, exit } = await new Terminal().type('config check -f -', text);
    assert.equal(exit, 0);
    assert.match(out, /^warning {2}SubnetMin 10\.42\.9\.0 lies above SubnetMax 10\.42\.5\.0: no subnet can be had$/m);
  });

  it('is JSON for programs', async () => {
    const { out } = await new Terminal().type('config check --json -f -', 'nonsense');
    const { findings } = JSON.parse(out) as { findings: { level: string; code: string }[] };
    assert.deepEqual(
      findings.map(({ level, code }) => [level, code]),
      [['error', 'CONFIG_NOT_JSON']],
    );
  });

  it('checks the stored one when no file is named', async () => {
    const terminal = new Terminal();
    await terminal.type('config set -f -', GOOD);
    assert.match((await terminal.type('config check')).out, /255 hosts/);
  });
});
