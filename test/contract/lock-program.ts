/**
 * A process that wants the reconciler's lock: `lock-program URL LEASE_MS FILE ROUNDS`. With ROUNDS it takes the lock so often, and a folder beside
 * FILE while it has it, which two cannot; without, it takes the lock once and writes into FILE, line by line, when it was certain to hold it.
 */
import { appendFileSync, mkdirSync, rmdirSync } from 'node:fs';
import { openDynamoStore } from '../../providers/dynamodb/open-store.ts';
import { openEtcdStore } from '../../providers/etcd/open-store.ts';
import { RunLock } from '../../src/reconcile/run-lock.ts';
import { CryptoRandom } from '../../src/system/crypto-random.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { ListLog } from '../fakes/list-log.ts';
import { never } from './store-world.ts';

const [url = '', leaseMs = '', file = '', rounds = '', endpoint = ''] = process.argv.slice(2);
const clock = new SystemClock();
const random = new CryptoRandom();
const signal = never();
const seams = { clock, random };
const opened = url.startsWith('etcd:') ? openEtcdStore(url, seams) : openDynamoStore(url, { ...seams, endpoint });
const owner = `p${process.pid}`;
const settings = { owner, leaseMs: Number(leaseMs), beatMs: Number(leaseMs) / 8 };
const lock = new RunLock({ records: opened.records, clock, random, log: new ListLog() }, settings);

for (let left = Number(rounds); left > 0;) {
  const held = await lock.acquire(0, signal);
  if (held === undefined) {
    await clock.sleep(20 + random.below(50), signal);
    continue;
  }
  mkdirSync(`${file}.held`);
  await clock.sleep(10, signal);
  if (held.validForMs() > 0) left -= 1;
  rmdirSync(`${file}.held`);
  await held.release(signal);
}

if (rounds === '0') {
  const held = await lock.acquire(Infinity, signal);
  if (held === undefined) throw new Error('the lock was not waited for');
  for (let acts = 1; ; acts++) {
    const nowMs = clock.now();
    if (held.validForMs() === 0) break;
    appendFileSync(file, `${owner} ${nowMs}\n`);
    if (acts === 1) process.stdout.write('held\n');
    await clock.sleep(20, signal);
  }
  process.stdout.write(`lost ${held.lost.aborted}\n`);
  await held.release(signal);
}
opened.close();
