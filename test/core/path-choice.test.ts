import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  choose,
  isUnsettled,
  judge,
  keepPairs,
  NO_CHOICE,
  settle,
  type Chosen,
  type PeerChoice,
} from '../../src/core/path-choice.ts';
import { isTunnel, type PathName } from '../../src/core/path.ts';
import type { SettledProbe } from '../../src/core/probe-verdict.ts';

type Usable = readonly [PathName, ...PathName[]];
const USABLE: Usable = ['fabric', 'vxlan'];
const HOLD_MS = 30_000;

/** One peer, asked on all its paths every second; each letter is the verdict of one second. */
class Asked {
  choice: PeerChoice = NO_CHOICE;
  nowMs = 0;
  last: Chosen;
  readonly usable: Usable;

  constructor(usable: Usable = USABLE, standing?: PathName) {
    this.usable = usable;
    this.last = choose(this.choice, usable, standing, HOLD_MS, 0);
    this.choice = settle(this.choice, this.last, this.last.path === standing, 0);
  }

  get path(): PathName {
    return this.last.path;
  }

  /** `h`eard, `m`issed, `s`ilent, by its prober; `H`eard and `M`issed by its kernel; `.`: not asked. */
  seconds(verdicts: Partial<Record<PathName, string>>, then?: (path: PathName, second: number) => void): this {
    const length = Math.max(...Object.values(verdicts).map((each) => each.length));
    for (let second = 0; second < length; second++) {
      this.nowMs += 1000;
      for (const path of this.usable) this.#take(path, verdicts[path]?.[second] ?? '.');
      then?.(this.path, second);
    }
    return this;
  }

  #take(path: PathName, letter: string): void {
    const verdict = { h: 'heard', m: 'missed', s: 'silent' }[letter.toLowerCase()] as
      | SettledProbe['verdict']
      | undefined;
    const by = letter === letter.toLowerCase() ? 'prober' : 'kernel';
    if (verdict !== undefined) this.choice = judge(this.choice, { path, verdict }, HOLD_MS, this.nowMs, by);
    this.last = choose(this.choice, this.usable, undefined, HOLD_MS, this.nowMs);
    this.choice = settle(this.choice, this.last, false, this.nowMs);
  }

  /** After how many more good seconds on every path it changes; Infinity: not in an hour. */
  secondsUntil(path: PathName): number {
    for (let second = 1; second <= 3600; second++) {
      this.seconds({ fabric: 'h', vxlan: 'h' });
      if (this.path === path) return second;
    }
    return Infinity;
  }
}

const FALL = { fabric: 'mmm', vxlan: 'hhh' };

describe('the path to a peer', () => {
  it('is a tunnel at first, and the best one after its third good probe, without a hold', () => {
    const paths: PathName[] = [];
    const asked = new Asked().seconds({ fabric: 'hhhh', vxlan: 'hhhh' }, (path) => paths.push(path));
    assert.deepEqual(paths, ['vxlan', 'vxlan', 'fabric', 'fabric']);
    assert.equal(asked.choice.turns.at(-1)?.why, 'fabric is liked better, and good');
  });

  it('is the first one where there is no tunnel', () => {
    assert.equal(new Asked(['direct', 'fabric']).path, 'direct');
  });

  it('is a tunnel as soon as there is one, where it had to start without and has not proven itself yet', () => {
    const asked = new Asked(['direct']).seconds({ direct: 'hh' });
    const now = choose(asked.choice, ['direct', 'vxlan'], undefined, HOLD_MS, asked.nowMs);
    assert.deepEqual([now.path, now.why], ['vxlan', 'a tunnel until the path is proven']);
    asked.seconds({ direct: 'h' });
    assert.equal(choose(asked.choice, ['direct', 'vxlan'], undefined, HOLD_MS, asked.nowMs).path, 'direct');
  });

  it('starts to count anew with each miss', () => {
    assert.equal(new Asked().seconds({ fabric: 'hhmhh', vxlan: 'hhhhh' }).path, 'vxlan');
  });

  it('changes with the third miss in a row, at once', () => {
    const paths: PathName[] = [];
    new Asked()
      .seconds({ fabric: 'hhh', vxlan: 'hhh' })
      .seconds({ fabric: 'mmhmmm', vxlan: 'hhhhhh' }, (path) => paths.push(path));
    assert.deepEqual(paths, ['fabric', 'fabric', 'fabric', 'fabric', 'fabric', 'vxlan']);
  });

  it('is not changed by silence, however the path was before', () => {
    const asked = new Asked().seconds({ fabric: 'hhh', vxlan: 'hhh' });
    assert.equal(asked.seconds({ fabric: 'sssssssss', vxlan: 'hhhhhhhhh' }).path, 'fabric');
    assert.equal(asked.seconds({ fabric: 's', vxlan: 's' }).path, 'fabric');
  });

  it('is left while the daemon is away when its kernel is no longer heard on it, and was before', () => {
    const asked = new Asked().seconds({ fabric: 'hhh', vxlan: 'hhh' }).seconds({ fabric: 'ssHH', vxlan: 'ssHH' });
    assert.equal(asked.seconds({ fabric: 'MMM', vxlan: 'HHH' }).path, 'vxlan');
  });

  it('is kept while the daemon is away when its kernel was never heard on it: echoes may be filtered there', () => {
    const asked = new Asked().seconds({ fabric: 'hhh', vxlan: 'hhh' });
    assert.equal(asked.seconds({ fabric: 'ss' + 'M'.repeat(60), vxlan: 'ss' + 'H'.repeat(60) }).path, 'fabric');
    // What was let through in an earlier absence may be filtered by now.
    asked.seconds({ fabric: 'ssHHhh', vxlan: 'ssHHhh' });
    assert.equal(asked.seconds({ fabric: 'ssMMMM', vxlan: 'ssHHHH' }).path, 'fabric');
  });

  it('is not gone back to for echoes, which may pass where nothing else does', () => {
    const asked = new Asked().seconds({ fabric: 'hhh', vxlan: 'hhh' }).seconds(FALL);
    asked.seconds({ fabric: 'ss' + 'H'.repeat(3600), vxlan: 'ss' + 'H'.repeat(3600) });
    assert.equal(asked.path, 'vxlan');
    assert.equal(asked.secondsUntil('fabric'), 31);
  });

  it('is gone back to after the hold time, which doubles with each fall, up to a limit', () => {
    const asked = new Asked().seconds({ fabric: 'hhh', vxlan: 'hhh' });
    const waits = Array.from({ length: 7 }, () => asked.seconds(FALL).secondsUntil('fabric'));
    assert.deepEqual(waits, [31, 61, 121, 241, 481, 481, 481]);
  });

  it('forgets its falls with time', () => {
    const asked = new Asked().seconds({ fabric: 'hhh', vxlan: 'hhh' });
    for (let fall = 0; fall < 3; fall++) asked.seconds(FALL).secondsUntil('fabric');
    const quiet = 'h'.repeat(3600);
    assert.equal(asked.seconds({ fabric: quiet, vxlan: quiet }).seconds(FALL).secondsUntil('fabric'), 31);
  });

  it('waits the whole hold time again when it misses one probe meanwhile', () => {
    const asked = new Asked().seconds({ fabric: 'hhh', vxlan: 'hhh' }).seconds(FALL);
    asked.seconds({ fabric: 'h'.repeat(20), vxlan: 'h'.repeat(20) }).seconds({ fabric: 'm', vxlan: 'h' });
    assert.equal(asked.secondsUntil('fabric'), 31);
  });

  it('is what stands in the kernel after a restart, however long nobody answers', () => {
    const asked = new Asked(USABLE, 'fabric');
    assert.equal(asked.path, 'fabric');
    assert.equal(asked.choice.turns[0]?.why, 'found in use');
    const silence = 's'.repeat(100);
    assert.equal(asked.seconds({ fabric: silence, vxlan: silence }).path, 'fabric');
    assert.equal(asked.seconds({ fabric: 'mmm', vxlan: 'hhh' }).path, 'vxlan');
  });

  it('is found fallen back after a restart, and waits for the hold as if it had fallen now', () => {
    const asked = new Asked(USABLE, 'vxlan');
    assert.equal(asked.secondsUntil('fabric'), 31);
  });

  it('is a tunnel again when no path answers any more, with a word about it, and proves itself anew', () => {
    const asked = new Asked().seconds({ fabric: 'hhh', vxlan: 'hhh' });
    const silence = 's'.repeat(10);
    asked.seconds({ fabric: silence, vxlan: silence });
    assert.equal(asked.path, 'vxlan');
    assert.equal(asked.last.trouble, true);
    assert.equal(asked.seconds({ fabric: 's', vxlan: 's' }).last.why, 'no path has answered for 1s');
    assert.equal(asked.secondsUntil('fabric'), 3);
    assert.equal(asked.last.trouble, false);
  });

  it('of a peer that never answered is used and never called down', () => {
    const silence = 's'.repeat(1000);
    const asked = new Asked(['vxlan']).seconds({ vxlan: silence });
    assert.deepEqual([asked.path, asked.last.trouble], ['vxlan', false]);
  });

  it('is another tunnel when the first is down and the best one has not held yet', () => {
    const asked = new Asked(['fabric', 'vxlan', 'udp']).seconds({ fabric: 'hhh', vxlan: 'hhh', udp: 'hhh' });
    asked.seconds({ fabric: 'mmm', vxlan: 'hhh', udp: 'hhh' });
    assert.equal(asked.path, 'vxlan');
    asked.seconds({ fabric: 'hhhhh', vxlan: 'hhmmm', udp: 'hhhhh' });
    assert.equal(asked.path, 'udp');
  });

  it('is the best one within its hold time rather than one that is down', () => {
    const asked = new Asked().seconds({ fabric: 'hhh', vxlan: 'hhh' }).seconds(FALL);
    assert.equal(asked.seconds({ fabric: 'hhhh', vxlan: 'hmmm' }).path, 'fabric');
  });

  it('says of each better path why it is not taken', () => {
    const asked = new Asked().seconds({ fabric: 'hhh', vxlan: 'hhh' });
    const reasons = (): string => asked.last.refused.map(({ path, why }) => `${path}: ${why}`).join();
    assert.equal(new Asked().last.refused[0]?.why, '0 good probes of 3');
    asked.seconds(FALL);
    assert.equal(reasons(), 'fabric: down');
    asked.seconds({ fabric: 'h', vxlan: 'h' });
    assert.equal(reasons(), 'fabric: was down, 1 good probes of 3');
    asked.seconds({ fabric: 'hhh', vxlan: 'hhh' });
    assert.equal(reasons(), 'fabric: was down, has to be good for 27s more');
  });

  it('keeps the last 16 turns', () => {
    const asked = new Asked().seconds({ fabric: 'hhh', vxlan: 'hhh' });
    for (let turn = 0; turn < 20; turn++) asked.seconds(FALL).secondsUntil('fabric');
    assert.equal(asked.choice.turns.length, 16);
  });

  it('is settled once proven, or once nothing is to be expected', () => {
    const now = (asked: Asked): boolean => isUnsettled(asked.choice, asked.usable, HOLD_MS, asked.nowMs);
    const asked = new Asked();
    assert.equal(now(asked), true);
    assert.equal(now(asked.seconds({ fabric: 'hhh', vxlan: 'hhh' })), false);
    assert.equal(now(asked.seconds({ fabric: 's', vxlan: 'h' })), true);
    assert.equal(now(asked.seconds({ fabric: 'ss', vxlan: 'hh' })), false);
    assert.equal(now(asked.seconds(FALL)), false);
    assert.equal(now(asked.seconds({ fabric: 'h', vxlan: 'h' })), true);
  });

  it('forgets what it knew of a path that is not usable any more', () => {
    const asked = new Asked().seconds({ fabric: 'hhh', vxlan: 'hhh' });
    assert.deepEqual([...keepPairs(asked.choice, ['vxlan'], 0).pairs.keys()], ['vxlan']);
  });

  it('is always usable; never leaves a path that is good, nor takes a better one that is not proven', () => {
    const usable = fc
      .uniqueArray(fc.constantFrom<PathName>('direct', 'fabric', 'vxlan', 'udp'), { minLength: 1 })
      .map((paths) => paths as unknown as Usable);
    const verdicts = fc.array(fc.array(fc.constantFrom('h', 'm', 's', '.'), { minLength: 4, maxLength: 4 }), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(usable, verdicts, (paths, seconds) => {
        const asked = new Asked(paths);
        for (const letters of seconds) {
          const { choice, path: before } = asked;
          asked.seconds(Object.fromEntries(paths.map((path, at) => [path, letters[at] ?? '.'])));
          const { path } = asked;
          assert.ok(paths.includes(path));
          if (path === before) continue;
          const left = asked.choice.pairs.get(before);
          const taken = asked.choice.pairs.get(path);
          const lost = asked.last.trouble || choice.lostSinceMs !== undefined;
          const betterIsProven = taken?.standing === 'good' && paths.indexOf(path) < paths.indexOf(before);
          assert.ok(lost || left?.standing !== 'good' || betterIsProven, `${before} -> ${path}`);
          if (asked.last.trouble && paths.some(isTunnel)) assert.ok(isTunnel(path));
        }
      }),
    );
  });
});
