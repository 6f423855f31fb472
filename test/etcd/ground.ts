/** What a test file on etcd stands on: one server and one proxy a file, one fresh prefix a test, and time as it is. */
import { after, afterEach, before, beforeEach, describe } from 'node:test';
import type { EtcdStore, OpenOptions } from '../../providers/etcd/open-store.ts';
import { parseSubnet, type Subnet } from '../../src/core/subnet.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { EtcdServer, whyNoEtcd, type ServerOptions } from './etcd-server.ts';
import { EtcdWorld } from './etcd-world.ts';
import { Observer } from './observer.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** Limits that a test does not wait long for. */
const QUICK: Partial<OpenOptions> = { callTimeoutMs: 1500, keepaliveMs: 500, keepaliveTimeoutMs: 500 };

export class Ground {
  readonly server: EtcdServer;
  proxy: TcpProxy;
  world: EtcdWorld;

  constructor(server: EtcdServer, proxy: TcpProxy) {
    this.server = server;
    this.proxy = proxy;
    this.world = new EtcdWorld(server.endpoint);
  }

  /** A node of this moment, past the proxy. */
  direct(options: Partial<OpenOptions> = {}): EtcdStore {
    return this.world.openStore(this.server.endpoint, { ...QUICK, clock: new SystemClock(), ...options });
  }

  /** A node whose connections go through the proxy. */
  proxied(options: Partial<OpenOptions> = {}): EtcdStore {
    return this.world.openStore(this.proxy.endpoint, { ...QUICK, clock: new SystemClock(), ...options });
  }

  async next(): Promise<void> {
    this.proxy.stop();
    this.proxy = await TcpProxy.start(this.server.endpoint);
    this.world = new EtcdWorld(this.server.endpoint);
  }
}

/** `ground()` is for the tests themselves: there is none yet while they are listed. */
export function describeOnEtcd(name: string, cases: (ground: () => Ground) => void, options: ServerOptions = {}): void {
  describe(name, { skip: whyNoEtcd() ?? false }, () => {
    let ground: Ground;
    before(async () => {
      const server = await EtcdServer.start(options);
      ground = new Ground(server, await TcpProxy.start(server.endpoint));
    });
    after(async () => {
      ground.proxy.stop();
      await ground.server.stop();
    });
    beforeEach(() => ground.next());
    afterEach(async () => {
      await Observer.stopAll();
      await ground.world.close();
    });
    cases(() => ground);
  });
}

export const subnet = (third: number): Subnet => parseSubnet(`10.42.${third}.0/24`);
