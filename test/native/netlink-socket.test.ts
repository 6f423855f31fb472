import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ENODEV, ENOENT, errnoName, KernelError } from '../../src/native/kernel-error.ts';
import { libc } from '../../src/native/libc.ts';
import { NETLINK_ROUTE, RTM_DELLINK, RTM_GETLINK, RTM_GETROUTE } from '../../src/native/netlink/constants.ts';
import { readLink, writeLinkChange, writeLinkQuery } from '../../src/native/netlink/link.ts';
import { writeRouteQuery } from '../../src/native/netlink/route.ts';
import { watchFilter } from '../../src/native/netlink/watch-filter.ts';
import { NetlinkSocket } from '../../src/native/netlink-socket.ts';
import { Readiness } from '../../src/native/readiness.ts';
import { isRefusal, RouteSocket } from '../../src/native/route-socket.ts';

/** Nothing here needs rights: to look is free, and to be refused too. */
function withSocket(body: (socket: RouteSocket) => void): void {
  const socket = new RouteSocket();
  try {
    body(socket);
  } finally {
    socket.close();
  }
}

describe('requests to the kernel', () => {
  it('are answered: one device, or all', () => {
    withSocket((socket) => {
      const lo = socket.query(RTM_GETLINK, (w) => writeLinkQuery(w, 'lo'), readLink);
      assert.ok(lo !== undefined && !isRefusal(lo));
      assert.deepEqual([lo.name, lo.index, lo.kind, lo.mac], ['lo', 1, '', '00:00:00:00:00:00']);
      const all = socket.dump(RTM_GETLINK, (w) => writeLinkQuery(w), readLink);
      assert.deepEqual(all[0], lo);
    });
  });

  it('get answers and refusals by their place in the batch', () => {
    withSocket((socket) => {
      const names = ['gone0', 'lo', 'gone1', 'lo'];
      for (const name of names) socket.add(RTM_GETLINK, 0, (w) => writeLinkQuery(w, name));
      assert.equal(socket.waiting, 4);
      const answers: string[] = [];
      const refused = socket.exchange((m, request) => answers.push(`${request} ${readLink(m).name}`));
      assert.deepEqual(answers, ['1 lo', '3 lo']);
      assert.deepEqual(
        refused.map(({ request, errno }) => `${request} ${errnoName(errno)}`),
        ['0 ENODEV', '2 ENODEV'],
      );
      assert.equal(socket.waiting, 0);
      assert.deepEqual(socket.exchange(), [], 'an empty batch');
    });
  });

  it('are refused in a full batch one by one', () => {
    withSocket((socket) => {
      while (!socket.full) socket.add(RTM_DELLINK, 0, (w) => writeLinkChange(w, 0x7fff_ffff, {}));
      const count = socket.waiting;
      assert.ok(count > 100, `${count}`);
      const refused = socket.exchange();
      assert.deepEqual(
        refused.map(({ request }) => request),
        Array.from({ length: count }, (_, i) => i),
      );
    });
  });

  it('carry the kernel’s own words', () => {
    withSocket((socket) => {
      const ask = (): unknown =>
        socket.dump(
          RTM_GETROUTE,
          (w) => writeRouteQuery(w, 4, { table: 4_000_000_000 }),
          () => undefined,
        );
      assert.throws(
        ask,
        (error) =>
          error instanceof KernelError && error.errno === ENOENT && error.message.includes('FIB table does not exist'),
      );
    });
  });

  it('neither mix with a question nor lose their outcome to it', () => {
    withSocket((socket) => {
      socket.add(RTM_GETLINK, 0, (w) => writeLinkQuery(w, 'gone0'));
      assert.throws(() => socket.query(RTM_GETLINK, (w) => writeLinkQuery(w, 'lo'), readLink), /1 requests/);
      assert.throws(() => socket.dump(RTM_GETLINK, (w) => writeLinkQuery(w), readLink), /1 requests/);
      assert.deepEqual(
        socket.exchange().map(({ errno }) => errno),
        [ENODEV],
      );
    });
  });

  it('that cannot be written leave no trace', () => {
    withSocket((socket) => {
      const broken = (): never => {
        throw new RangeError('too big');
      };
      assert.throws(() => socket.add(RTM_GETLINK, 0, broken), RangeError);
      assert.ok(!isRefusal(socket.query(RTM_GETLINK, (w) => writeLinkQuery(w, 'lo'), readLink)));
    });
  });
});

describe('a netlink socket', () => {
  it('has a port of its own, takes a filter, and waits without holding anybody', () => {
    const options = { receiveBytes: 65_536, sendBytes: 4096, groups: [1] };
    const [one, other] = [new NetlinkSocket(NETLINK_ROUTE, options), new NetlinkSocket(NETLINK_ROUTE, options)];
    assert.notEqual(one.port, other.port);
    assert.ok(one.receiveBytes >= 65_536);
    one.filter(watchFilter(other.port, [1, 2, 3]));
    assert.equal(one.receive(new Uint8Array(100)), undefined);
    one.close();
    other.close();
  });

  it('says which call failed', () => {
    assert.throws(
      () => new NetlinkSocket(9999, { receiveBytes: 4096, sendBytes: 4096 }),
      (error) => error instanceof KernelError && error.message === 'socket(AF_NETLINK): EPROTONOSUPPORT',
    );
  });
});

describe('waiting for descriptors', () => {
  it('ends when one can be read, and says which', () => {
    const fds = [libc().eventfd(0, 0), libc().eventfd(0, 0)];
    const readiness = new Readiness(fds);
    readiness.wait(0);
    assert.deepEqual([readiness.isReady(0), readiness.isReady(1)], [false, false]);
    writeSync(fds[1] ?? -1, new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]));
    readiness.wait(10_000);
    assert.deepEqual([readiness.isReady(0), readiness.isReady(1)], [false, true]);
    for (const fd of fds) closeSync(fd);
  });
});

describe('koffi', () => {
  it('that has no binary for the CPU is an error that says what to do', () => {
    const program = `
      Object.defineProperty(process, 'arch', { value: 'pdp11' });
      const { libc } = await import(${JSON.stringify(new URL('../../src/native/libc.js', import.meta.url).href)});
      try { libc(); } catch (error) { console.log(error.message); }`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    assert.match(stdout, /^cannot load koffi for linux pdp11: .*npm install --include=optional/, stderr);
  });
});
