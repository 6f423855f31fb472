/** When the routes of other nodes stand, by the kernel's own word: `ip monitor` tells each the moment that it is made. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Those that carry traffic; others stand by for probes and have a metric. */
const CARRIES = /^(\S+) (?!.* metric ).* proto 87 /;

export class RouteMonitor {
  readonly #child: ChildProcess;
  readonly #seenAt = new Map<string, number>();
  #rest = '';
  #wake: () => void = () => undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text));
  }

  static async start(): Promise<RouteMonitor> {
    // It ends with us, however that comes.
    const command = ['--pdeathsig', 'KILL', 'ip', '-o', '-4', '-rcvbuf', '16777216', 'monitor', 'route'];
    const monitor = new RouteMonitor(spawn('setpriv', command, { stdio: ['ignore', 'pipe', 'ignore'] }));
    // It listens when it tells of a route of ours. RFC 5737: for examples.
    const heard = once(monitor.#child.stdout ?? monitor.#child, 'data');
    const provoke = setInterval(() => {
      for (const verb of ['replace', 'delete']) spawnSync('ip', ['route', verb, 'unreachable', '192.0.2.1']);
    }, 20);
    await heard;
    clearInterval(provoke);
    return monitor;
  }

  /** When all of these destinations had a route, by performance.now(). They had none before. */
  async standing(destinations: readonly string[], withinMs = 60_000): Promise<number> {
    const late = AbortSignal.timeout(withinMs);
    late.addEventListener('abort', () => this.#wake(), { once: true });
    for (;;) {
      const times = destinations.map((destination) => this.#seenAt.get(destination));
      const missing = times.filter((time) => time === undefined).length;
      if (missing === 0) return Math.max(...times.map((time) => time ?? Infinity));
      if (late.aborted) throw new Error(`${missing} of ${destinations.length} routes are missing`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }

  #read(text: string): void {
    const now = performance.now();
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, destination] = CARRIES.exec(line) ?? [];
      if (destination !== undefined && !this.#seenAt.has(destination)) this.#seenAt.set(destination, now);
    }
    this.#wake();
  }
}
