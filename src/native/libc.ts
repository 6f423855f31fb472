/**
 * Every C function that we call. A wrong signature here is a crash, not an exception, so they stand together, each as its manual page has it.
 * `intptr_t` stands for `ssize_t`, which koffi does not know. close(2) is `closeSync` of node:fs.
 */
import { loadKoffi } from './koffi.ts';
import { KernelError } from './kernel-error.ts';

export interface Libc {
  /** socket(2) */
  socket(domain: number, type: number, protocol: number): number;
  /** bind(2) */
  bind(fd: number, address: Uint8Array, length: number): number;
  /** connect(2) */
  connect(fd: number, address: Uint8Array, length: number): number;
  /** getsockname(2) */
  getsockname(fd: number, address: Uint8Array, length: Uint32Array): number;
  /** setsockopt(2) */
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  /** getsockopt(2) */
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint32Array): number;
  /** setsockopt(2) with SO_ATTACH_FILTER: a classic BPF program of `length` instructions of 8 bytes (linux/filter.h). */
  attachFilter(fd: number, length: number, instructions: Uint8Array): number;
  /** send(2) */
  send(fd: number, data: Uint8Array, length: number, flags: number): number;
  /** recv(2) */
  recv(fd: number, into: Uint8Array, length: number, flags: number): number;
  /** sendto(2) */
  sendto(
    fd: number,
    data: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: number,
  ): number;
  /** recvmsg(2): `header` is the address of a struct msghdr, from `allocate`. */
  recvmsg(fd: number, header: bigint, flags: number): number;
  /** recvfrom(2): `addressLength` holds the room there is, and then what was filled. */
  recvfrom(
    fd: number,
    into: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: Uint32Array,
  ): number;
  /** read(2) */
  read(fd: number, into: Uint8Array, length: number): number;
  /** write(2) */
  write(fd: number, data: Uint8Array, length: number): number;
  /** ioctl(2) whose argument is a pointer, and one whose argument is a number. */
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  ioctlNumber(fd: number, request: number, argument: number): number;
  /** if_indextoname(3): the name stands in `into`, 16 bytes; false when there is no such device. */
  ifIndexToName(index: number, into: Uint8Array): boolean;
  /** if_nametoindex(3); 0 when there is no such device. */
  ifNameToIndex(name: string): number;
  /** Memory that stays where it is for as long as the process lives, for structs that hold addresses; zeroed. */
  allocate(length: number): { readonly address: bigint; readonly bytes: Uint8Array };
  /** Of a pointer, and of size_t. */
  readonly wordBytes: number;
  /** poll(2): `fds` holds 8 bytes for each descriptor. Blocks the thread. */
  poll(fds: Uint8Array, count: number, timeoutMs: number): number;
  /** ppoll(2): as poll(2), with a timespec of 16 bytes. Blocks the thread. */
  ppoll(fds: Uint8Array, count: number, timeout: Uint8Array, mask: null): number;
  /** eventfd(2) */
  eventfd(initial: number, flags: number): number;
  /** flock(2) */
  flock(fd: number, operation: number): number;
  /** setns(2) */
  setns(fd: number, type: number): number;
  /** errno of the last call on this thread. */
  errno(): number;
}

// asm-generic/socket.h
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

let bound: Libc | undefined;

/** Bound at first use, once: a command that never talks to the kernel does not pay for it. @throws Error when koffi cannot be loaded. */
export function libc(): Libc {
  if (bound !== undefined) return bound;
  const koffi = loadKoffi();
  // What this process is linked with: glibc or musl, under whatever name.
  const c = koffi.load(null);
  const program = koffi.struct({ len: 'uint16_t', filter: 'const uint8_t *' });
  const attach = c.func('setsockopt', 'int', ['int', 'int', 'int', koffi.pointer(program), 'uint32_t']);
  const programBytes = koffi.sizeof(program);
  const toName = c.func('void *if_indextoname(unsigned int index, void *name)');
  bound = {
    socket: c.func('int socket(int domain, int type, int protocol)'),
    bind: c.func('int bind(int fd, const void *address, uint32_t length)'),
    connect: c.func('int connect(int fd, const void *address, uint32_t length)'),
    getsockname: c.func('int getsockname(int fd, void *address, uint32_t *length)'),
    setsockopt: c.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)'),
    getsockopt: c.func('int getsockopt(int fd, int level, int name, void *value, uint32_t *length)'),
    attachFilter: (fd, length, instructions) =>
      Number(attach(fd, SOL_SOCKET, SO_ATTACH_FILTER, { len: length, filter: instructions }, programBytes)),
    send: c.func('intptr_t send(int fd, const void *data, size_t length, int flags)'),
    recv: c.func('intptr_t recv(int fd, void *into, size_t length, int flags)'),
    sendto: c.func(
      'intptr_t sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t addressLength)',
    ),
    recvmsg: c.func('intptr_t recvmsg(int fd, void *header, int flags)'),
    recvfrom: c.func(
      'intptr_t recvfrom(int fd, void *into, size_t length, int flags, void *address, uint32_t *addressLength)',
    ),
    read: c.func('intptr_t read(int fd, void *into, size_t length)'),
    write: c.func('intptr_t write(int fd, const void *data, size_t length)'),
    // The C library declares what follows the request as variable; on the CPUs that we run on it is passed like any other.
    ioctl: c.func('int ioctl(int fd, unsigned long request, void *argument)'),
    ioctlNumber: c.func('ioctl', 'int', ['int', 'unsigned long', 'unsigned long']),
    ifIndexToName: (index, into) => toName(index, into) !== null,
    ifNameToIndex: c.func('unsigned int if_nametoindex(const char *name)'),
    allocate: (length) => {
      const memory: unknown = koffi.alloc('uint8_t', length);
      const bytes = new Uint8Array(koffi.view(memory, length)).fill(0);
      return { address: koffi.address(memory), bytes };
    },
    wordBytes: koffi.sizeof('size_t'),
    poll: c.func('int poll(void *fds, unsigned long count, int timeout)'),
    ppoll: c.func('int ppoll(void *fds, unsigned long count, const void *timeout, void *mask)'),
    eventfd: c.func('int eventfd(unsigned int initial, int flags)'),
    flock: c.func('int flock(int fd, int operation)'),
    setns: c.func('int setns(int fd, int type)'),
    errno: () => koffi.errno(),
  };
  return bound;
}

/** The result of a call that says -1 when it failed. @throws KernelError */
export function checked(call: string, result: number): number {
  if (result < 0) throw new KernelError(call, libc().errno());
  return result;
}
