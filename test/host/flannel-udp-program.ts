/**
 * The host of a plain flanneld with its udp backend (FLANNEL.md 4.1): device, address and route as it sets them, and packets moved as it moves them. Written by flannel's
 * behaviour alone, with nothing of ours but the way to call C.
 *
 *   node flannel-udp-program.js UPLINK-ADDRESS PORT BASE NETWORK SUBNET=PEER...
 *
 * Prints `ready`, and ends with its stdin, where that is no device.
 */
import { execFileSync } from 'node:child_process';
import { constants, fstatSync, openSync, readSync } from 'node:fs';
import { loadKoffi } from '../../src/native/koffi.ts';

const koffi = loadKoffi();
const c = koffi.load(null);
const ioctl = c.func('int ioctl(int fd, unsigned long request, void *argument)');
const poll = c.func('int poll(void *fds, unsigned long count, int timeout)');
const read = c.func('intptr_t read(int fd, void *into, size_t length)');
const write = c.func('intptr_t write(int fd, const void *data, size_t length)');
const socket = c.func('int socket(int domain, int type, int protocol)');
const bind = c.func('int bind(int fd, const void *address, uint32_t length)');
const sendto = c.func(
  'intptr_t sendto(int fd, const void *data, size_t n, int flags, const void *to, uint32_t length)',
);

const AF_INET = 2;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000;
const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI = 0x1001;
const DEVICE = 'flannel0';
const MTU = 1472;
const POLLIN = 1;

const [uplink = '', portText = '', base = '', network = '', ...peers] = process.argv.slice(2);
const port = Number(portText);

const number = (address: string): number => address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);

function sockaddr(address: number, to: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, to);
  view.setUint32(4, address);
  return bytes;
}

function openDevice(): number {
  const fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
  const asked = new Uint8Array(40);
  asked.set(new TextEncoder().encode('flannel%d'));
  new DataView(asked.buffer).setUint16(16, IFF_TUN_NO_PI, true);
  if (Number(ioctl(fd, TUNSETIFF, asked)) < 0) throw new Error('TUNSETIFF');
  const ip = (words: string): void => void execFileSync('ip', words.split(' '));
  ip(`address add ${base}/32 dev ${DEVICE}`);
  ip(`link set ${DEVICE} mtu ${MTU} up`);
  ip(`route add ${network} dev ${DEVICE}`);
  return fd;
}

const table = peers.map((text) => {
  const [subnet = '', peer = ''] = text.split('=');
  const [address = '', length = ''] = subnet.split('/');
  const size = 2 ** (32 - Number(length));
  return { first: number(address), size, to: sockaddr(number(peer), port) };
});
const packet = Buffer.alloc(65_536);

/** As flannel's decrement_ttl. */
function lowered(): boolean {
  const ttl = packet.readUInt8(8) - 1;
  if (ttl === 0) return false;
  packet.writeUInt8(ttl, 8);
  const sum = packet.readUInt16BE(10) + 0x0100;
  packet.writeUInt16BE((sum + (sum >= 0xffff ? 1 : 0)) & 0xffff, 10);
  return true;
}

const device = openDevice();
const datagrams = Number(socket(AF_INET, SOCK_DGRAM_NONBLOCK, 0));
if (Number(bind(datagrams, sockaddr(number(uplink), port), 16)) < 0) throw new Error('bind');

/** Stdin, device, datagrams: poll(2) passes over a negative descriptor. */
const stdin = fstatSync(0).isCharacterDevice() ? -1 : 0;
const fds = new DataView(new ArrayBuffer(24));
for (const [at, fd] of [stdin, device, datagrams].entries()) {
  fds.setInt32(8 * at, fd, true);
  fds.setInt16(8 * at + 4, POLLIN, true);
}
const ready = (at: number): boolean => fds.getInt16(8 * at + 6, true) !== 0;

process.stdout.write('ready\n');
for (;;) {
  poll(new Uint8Array(fds.buffer), 3, -1);
  if (ready(0) && readSync(0, Buffer.alloc(64)) === 0) process.exit(0);
  if (ready(1)) {
    const length = Number(read(device, packet, packet.length));
    const to = packet.readUInt32BE(16);
    const peer = table.find(({ first, size }) => to >= first && to < first + size);
    if (length >= 20 && peer !== undefined && lowered()) sendto(datagrams, packet, length, 0, peer.to, 16);
  }
  if (ready(2)) {
    const length = Number(read(datagrams, packet, packet.length));
    if (length >= 20 && lowered()) write(device, packet, length);
  }
}
