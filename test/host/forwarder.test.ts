/** The packet worker's own work, without its device: needs no rights. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ForwardingTable } from '../../src/core/forwarding-table.ts';
import { COUNTER_BYTES } from '../../src/core/tunnel-counters.ts';
import { Forwarder } from '../../src/host/forwarder.ts';
import { libc } from '../../src/native/libc.ts';
import { openDatagrams, socketAddress } from '../../src/native/tunnel-sockets.ts';

const LOOPBACK = 0x7f00_0001;
const SOL_IP = 0;
const IP_RECVERR = 11;

const forwarderOn = (datagramFd: number): Forwarder =>
  new Forwarder(
    { deviceFd: -1, device: 'none', datagramFd, rawFd: -1, counters: new SharedArrayBuffer(COUNTER_BYTES) },
    new ForwardingTable([]),
  );

describe('the forwarder', { skip: process.platform === 'linux' ? false : 'needs Linux' }, () => {
  it('goes on after what the network said of an earlier datagram', () => {
    // A port that nobody has: that of a socket which is gone.
    const fd = openDatagrams(LOOPBACK, 0);
    const gone = openDatagrams(LOOPBACK, 0);
    const at = socketAddress(0, 0);
    assert.equal(libc().getsockname(gone, at, Uint32Array.of(at.length)), 0);
    closeSync(gone);
    libc().setsockopt(fd, SOL_IP, IP_RECVERR, new Uint8Array([1, 0, 0, 0]), 4);
    assert.equal(libc().sendto(fd, new Uint8Array(1), 1, 0, at, at.length), 1);
    forwarderOn(fd).fromPeers(0);
    closeSync(fd);
  });

  it('ends with the reason when its socket is of no more use', () => {
    const fd = openSync('/', 'r');
    assert.throws(() => forwarderOn(fd).fromPeers(0), /recvfrom\(udp\): ENOTSOCK/);
    closeSync(fd);
  });
});
