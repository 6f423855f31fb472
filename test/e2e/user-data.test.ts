/** What `weftd user-data` prints, run by an instance that has nothing but its image and its metadata server. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Status } from '../../src/core/status.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { cloudAndOffice } from '../../src/lab/cloud-and-office.ts';
import { addContainer, readSubnetFile, type Container } from '../../src/lab/container.ts';
import { instanceFolders, readStatus } from '../../src/lab/control-socket.ts';
import { eventually } from '../../src/lab/eventually.ts';
import { LAB_FOLDER } from '../../src/lab/inside.ts';
import { Lab } from '../../src/lab/lab.ts';
import { tryIn } from '../../src/lab/namespaces.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { bundle, enclosed } from '../lab/enclosed.ts';
import { DRAWN, never } from './cluster.ts';
import { instanceRoot } from './instance-root.ts';

const ROOT = '/run/instance-a1';
const UNIT = path.join(ROOT, 'etc/systemd/system/weftd.service');
const WANTED = path.join(ROOT, 'etc/systemd/system/multi-user.target.wants/weftd.service');
const PID = path.join(ROOT, 'run/weftd.service.pid');
const LOG = path.join(ROOT, 'run/weftd.service.log');

enclosed(import.meta.url, () => {
  describe('user data on an instance with nothing but a metadata server', () => {
    let lab: Lab;
    let script: string;
    let container: Container;
    before(async () => {
      lab = await Lab.start(cloudAndOffice, { executable: bundle(), folder: LAB_FOLDER }, never);
      await lab.writeConfig({ ...DRAWN, Weft: {} });
      const peer = lab.host('b1');
      await startHosts([peer], [peer], never);
      await instanceRoot(ROOT, bundle());
      // As an operator would elsewhere, whose cloud is reached by endpoints of its own.
      const endpoints = [
        `AWS_ENDPOINT_URL_DYNAMODB=${lab.store.environment['AWS_ENDPOINT_URL_DYNAMODB']}`,
        `AWS_ENDPOINT_URL_EC2=${lab.aws?.endpoint}`,
      ];
      const words = ['--cloud', 'aws', '--store', lab.store.uri, ...endpoints.flatMap((one) => ['--env', one])];
      script = await peer.weftd(['user-data', ...words]);
    });
    after(() => lab.close());

    const inside = (command: readonly string[], input = '') =>
      tryIn('a1', ['chroot', ROOT, 'env', '-i', ...command], { input });
    const status = async (): Promise<Status | undefined> => {
      const [folder] = instanceFolders(path.join(ROOT, 'var/lib/weft'));
      return folder === undefined ? undefined : await readStatus(folder);
    };
    const log = (): string => (existsSync(LOG) ? readFileSync(LOG, 'utf8') : 'no log');
    const becomes = <T>(what: string, view: (status: Status) => T | undefined): Promise<T> =>
      eventually(
        what,
        60_000,
        async () => {
          const now = await status();
          const found = now === undefined ? undefined : view(now);
          return found === undefined ? { missing: `${JSON.stringify(now)}\n${log()}` } : { found };
        },
        never,
      );
    const boot = async (): Promise<string> => {
      const { code, stdout, stderr } = await inside(['/bin/sh', '-s'], script);
      assert.equal(code, 0, stdout + stderr);
      return stdout;
    };
    const pings = async (from: string, to: string): Promise<void> => {
      await eventually(
        `${from} reaches ${to}`,
        60_000,
        async () => {
          const { code, stdout } = await tryIn(from, ['ping', '-n', '-c', '1', '-W', '1', to]);
          return code === 0 ? { found: true } : { missing: stdout };
        },
        never,
      );
    };

    it('starts a daemon that is this instance, by the word of the metadata server', async () => {
      assert.doesNotMatch(script, /AWS_REGION|ACCESS_KEY|region=/);
      assert.match(await boot(), /^weftd user-data: weftd is starting/m);
      const { node, subnet } = await becomes('the daemon is ready', (now) => (now.ready ? now : undefined));
      assert.equal(node, planned.instance('a1'));
      assert.equal(readlinkSync(WANTED), '/etc/systemd/system/weftd.service', 'enabled');
      const file = readSubnetFile(path.join(ROOT, 'run/flannel/subnet.env'));
      assert.equal(file?.subnet, subnet);
    });

    it('reaches a peer, in the end by the route table', async () => {
      const file = readSubnetFile(path.join(ROOT, 'run/flannel/subnet.env'));
      assert.ok(file !== undefined, log());
      container = await addContainer('a1', file, 1, never);
      const far = lab.host('b1').container;
      await pings(container.name, far.address);
      await becomes('the peer is on the fabric', ({ peers }) =>
        peers.some(({ node, path: by, settled }) => node === planned.instance('b1') && by === 'fabric' && settled)
          ? true
          : undefined,
      );
      await lab
        .host('b1')
        .await(
          'has the instance on the fabric',
          ({ peers }) =>
            peers.some(({ node, path: by }) => node === planned.instance('a1') && by === 'fabric') ? true : undefined,
          never,
        );
      await pings(container.name, far.address);
      await pings(far.name, container.address);
    });

    it('run a second time, leaves the same unit, lease and routes', async () => {
      const seen = () => ({ unit: readFileSync(UNIT, 'utf8'), mutating: mutating(lab) });
      const pid = readFileSync(PID, 'utf8');
      const [first, was] = [await status(), seen()];
      await boot();
      assert.notEqual(readFileSync(PID, 'utf8'), pid, 'another process');
      const second = await becomes('it is ready again', (now) => (now.ready ? now : undefined));
      assert.deepEqual([second.node, second.subnet, second.epoch], [first?.node, first?.subnet, first?.epoch]);
      await pings(container.name, lab.host('b1').container.address);
      assert.deepEqual(seen(), was);
    });
  });
});

const mutating = (lab: Lab): number =>
  Object.values(lab.aws?.cloud.journal.counts() ?? {}).reduce((sum, one) => sum + one.mutating, 0);
