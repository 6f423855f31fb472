/** What systemd's end of the socket receives, by its path and by an abstract name. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { serviceManager } from '../../src/host/service-manager.ts';
import { checked, libc } from '../../src/native/libc.ts';
import { AF_UNIX, SOCK_DGRAM, unixAddress } from '../../src/native/unix-datagram.ts';
import { ListLog } from '../fakes/list-log.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'weft-notify-'));
after(() => rmSync(folder, { recursive: true }));

const MSG_DONTWAIT = 0x40;

class Receiver {
  readonly #fd: number;

  constructor(name: string) {
    const address = unixAddress(name);
    assert.ok(address !== undefined);
    this.#fd = checked('socket', libc().socket(AF_UNIX, SOCK_DGRAM, 0));
    checked('bind', libc().bind(this.#fd, address, address.length));
  }

  /** A datagram is there when the call that sent it has returned. */
  next(): string | undefined {
    const bytes = Buffer.alloc(4096);
    const length = Number(libc().recv(this.#fd, bytes, bytes.length, MSG_DONTWAIT));
    return length < 0 ? undefined : bytes.toString('utf8', 0, length);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

describe('systemd', () => {
  for (const name of [path.join(folder, 'notify'), `@weft-test-${process.pid}`]) {
    it(`is told at ${name.startsWith('@') ? 'an abstract name' : 'a path'}, one datagram each time`, () => {
      const receiver = new Receiver(name);
      const manager = serviceManager({ NOTIFY_SOCKET: name }, new ListLog());
      assert.equal(manager?.tell({ ready: true, status: 'ready:\n10.42.1.0/24' }), true);
      manager.tell({ alive: true });
      manager.tell({ stopping: true });
      assert.deepEqual(
        [receiver.next(), receiver.next(), receiver.next(), receiver.next()],
        ['READY=1\nSTATUS=ready: 10.42.1.0/24\n', 'WATCHDOG=1\n', 'STOPPING=1\n', undefined],
      );
      receiver.close();
    });
  }

  it('is nobody where no socket is named', () => {
    const log = new ListLog();
    assert.equal(serviceManager({}, log), undefined);
    assert.equal(serviceManager({ NOTIFY_SOCKET: '' }, log), undefined);
    assert.deepEqual(log.lines, []);
  });

  it('that does not listen, or does not read, holds nothing up; it is said once', () => {
    const log = new ListLog();
    const gone = serviceManager({ NOTIFY_SOCKET: path.join(folder, 'gone') }, log);
    assert.deepEqual([gone?.tell({ ready: true }), gone?.tell({ ready: true })], [false, false]);
    assert.equal(log.lines.length, 1);
    const name = path.join(folder, 'asleep');
    const receiver = new Receiver(name);
    const manager = serviceManager({ NOTIFY_SOCKET: name }, log);
    let sent = 0;
    while (manager?.tell({ alive: true }) === true) sent += 1;
    assert.ok(sent > 0);
    receiver.next();
    assert.equal(manager?.tell({ alive: true }), true);
    receiver.close();
  });

  it('whose address is no Unix socket is passed over with a word', () => {
    const log = new ListLog();
    for (const name of ['vsock:2:1234', 'relative/path', '@', `/${'x'.repeat(120)}`])
      assert.equal(serviceManager({ NOTIFY_SOCKET: name }, log), undefined, name);
    assert.equal(log.lines.length, 4);
  });

  it('waits for signs of life when its variables are for this process', () => {
    const watchdogMs = (more: Record<string, string>): number | undefined =>
      serviceManager({ NOTIFY_SOCKET: '/x', ...more }, new ListLog(), 77)?.watchdogMs;
    assert.equal(watchdogMs({ WATCHDOG_USEC: '60000000' }), 60_000);
    assert.equal(watchdogMs({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '77' }), 60_000);
    assert.equal(watchdogMs({ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '78' }), undefined);
    assert.equal(watchdogMs({ WATCHDOG_USEC: '0' }), undefined);
    assert.equal(watchdogMs({}), undefined);
  });
});
