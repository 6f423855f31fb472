/** The program as it ships: etcd3 and what it reads are inside, and nothing of it is loaded where another store is used. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { flanneldValue, never, node, publicIP, wish } from '../contract/store-world.ts';
import { describeOnEtcd, subnet } from './ground.ts';

const PROGRAM = path.resolve('dist/weftd.mjs');
const signal = never();

describeOnEtcd('weftd with its leases in etcd', (ground) => {
  function weftd(words: readonly string[], input = ''): { out: string; err: string; exit: number | null } {
    assert.ok(existsSync(PROGRAM), `${PROGRAM} is not built: node build.mjs`);
    const { server, world } = ground();
    const env = { ...process.env, WEFT_STORE: `etcd://${server.endpoint}${world.prefix}` };
    const { stdout, stderr, status } = spawnSync(process.execPath, [PROGRAM, ...words], {
      input,
      env,
      encoding: 'utf8',
    });
    return { out: stdout, err: stderr, exit: status };
  }

  it('writes the config where flannel reads it, byte for byte', async () => {
    const text = '{ "Network": "10.42.0.0/16", "Backend": { "Type": "vxlan" } }';
    const { exit, err } = weftd(['config', 'set', '-f', '-'], text);
    assert.equal(exit, 0, err);
    const { raw, prefix } = ground().world;
    assert.equal(await raw.get(`${prefix}/config`).string(), text);
    assert.equal(weftd(['config', 'get']).out.trimEnd(), text);
  });

  it('lists the leases of weftd and flanneld alike', async () => {
    await ground()
      .direct()
      .store.claim(wish(node('a'), { previous: subnet(1) }), signal);
    await ground().world.writeForeign('10.42.2.0-24', flanneldValue(publicIP(2)));
    const { out, err, exit } = weftd(['lease', 'list']);
    assert.equal(exit, 0, err);
    assert.match(out, /^10\.42\.1\.0\/24 +node-a +192\.0\.2\.1 /m);
    assert.match(out, /^10\.42\.2\.0\/24 +\(flanneld\) +192\.0\.2\.2 /m);
    assert.equal(weftd(['lease', 'release', '--yes', '10.42.1.0/24']).exit, 0);
    assert.deepEqual(await ground().world.keys(), [
      'subnets/10.42.2.0-24',
      'weft/held/10.42.1.0-24',
      'weft/last/10.42.1.0-24',
    ]);
  });

  it('says where it looked when there is no etcd', () => {
    const { err, exit } = weftd(['config', 'get', '--store', 'etcd://127.0.0.1:1']);
    assert.equal(exit, 1);
    assert.match(
      err,
      /^weftd: STORE_UNREACHABLE: cannot read \/coreos\.com\/network\/config in etcd at 127\.0\.0\.1:1: .*ECONNREFUSED 127\.0\.0\.1:1\.$/m,
    );
  });
});
