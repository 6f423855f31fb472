/** Real etcd servers for a test file: each a process of its own on loopback ports of its own, with a data folder that outlives kills and goes with the test. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ownPort } from '../lab/own-port.ts';

/** Why no etcd, no openssl to make certificates or no etcdctl can be had here; undefined when they can. */
export function whyNoEtcd(...more: readonly ('openssl' | 'etcdctl')[]): string | undefined {
  const missing = ['etcd', ...more].filter(
    (program) => spawnSync(program, [program === 'etcd' ? '--version' : 'version']).status !== 0,
  );
  if (missing.length === 0) return undefined;
  const reason = `not installed: ${missing.join(', ')} (Debian: etcd-server, etcd-client, openssl)`;
  if (process.getuid?.() === 0) throw new Error(reason);
  return reason;
}

export interface ServerOptions {
  /** Further flags; those of TLS with `scheme` https. */
  readonly flags?: readonly string[];
  readonly scheme?: 'http' | 'https';
}

interface Ports {
  readonly client: number;
  readonly peer: number;
}

export class EtcdServer {
  readonly endpoint: string;
  readonly #name: string;
  readonly #ports: Ports;
  readonly #cluster: string;
  readonly #folder: string;
  readonly #options: ServerOptions;
  readonly #kill = (): void => void this.#child?.kill('SIGKILL');
  #child: ChildProcess | undefined;

  private constructor(name: string, ports: Ports, cluster: string, options: ServerOptions) {
    this.#name = name;
    this.#ports = ports;
    this.#cluster = cluster;
    this.#options = options;
    this.endpoint = `127.0.0.1:${ports.client}`;
    this.#folder = mkdtempSync(path.join(os.tmpdir(), 'weft-etcd-'));
  }

  static async start(options: ServerOptions = {}): Promise<EtcdServer> {
    const [server] = await EtcdServer.startCluster(1, options);
    if (server === undefined) throw new Error('no server');
    return server;
  }

  static async startCluster(size: number, options: ServerOptions = {}): Promise<EtcdServer[]> {
    const members: { name: string; ports: Ports }[] = [];
    for (let index = 0; index < size; index++)
      members.push({ name: `m${index}`, ports: { client: await ownPort(), peer: await ownPort() } });
    const cluster = members.map(({ name, ports }) => `${name}=http://127.0.0.1:${ports.peer}`).join(',');
    const servers = members.map(({ name, ports }) => new EtcdServer(name, ports, cluster, options));
    await Promise.all(servers.map((server) => server.run()));
    return servers;
  }

  /** Starts it, again with the data that it had. Resolves when it serves. */
  async run(): Promise<void> {
    const { scheme = 'http', flags = [] } = this.#options;
    const client = `${scheme}://${this.endpoint}`;
    const peer = `http://127.0.0.1:${this.#ports.peer}`;
    const child = spawn(
      // It ends with us, also where a test file that hangs is ended by a signal.
      'setpriv',
      [
        ['--pdeathsig', 'KILL', 'etcd'],
        ['--name', this.#name],
        ['--data-dir', this.#folder],
        ['--listen-client-urls', client],
        ['--advertise-client-urls', client],
        ['--listen-peer-urls', peer],
        ['--initial-advertise-peer-urls', peer],
        ['--initial-cluster', this.#cluster],
        // Tests ask more often than etcd allows by default whether a silent connection lives.
        ['--grpc-keepalive-min-time', '100ms'],
        flags,
      ].flat(),
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#child = child;
    process.once('exit', this.#kill);
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`etcd ended: ${said}`)));
      // Read on for ever: a closed pipe would end it.
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-20_000);
        if (said.includes('ready to serve client requests')) resolve();
      });
    });
  }

  /** As a power failure does. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.removeListener('exit', this.#kill);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    this.#child = undefined;
  }

  /** The process stands still, its connections stay; `false`: it goes on. */
  suspend(suspended: boolean): void {
    this.#child?.kill(suspended ? 'SIGSTOP' : 'SIGCONT');
  }

  /** Its data is lost. */
  forget(): void {
    for (const name of readdirSync(this.#folder)) rmSync(path.join(this.#folder, name), { recursive: true });
  }

  /** Ends it for good; its data goes. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
