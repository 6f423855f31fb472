/** The node agent: started once, it runs until it is stopped, drained or fenced, and answers questions about itself meanwhile. */
import type { Supervisor } from '../contracts/supervisor.ts';
import { asWeftError, WeftError } from '../core/errors.ts';
import type { Status } from '../core/status.ts';
import type { PeerPath } from '../reconcile/pass-report.ts';
import type { AgentEnd, AgentParts } from './agent-parts.ts';
import { serveControl } from './control-server.ts';
import { explain, findPeer, type Explanation } from './explain.ts';
import type { Facts } from './facts.ts';
import { Findings } from './findings.ts';
import { serve } from './http-server.ts';
import { PassJournal } from './pass-journal.ts';
import { pathWords, type PathWords } from './path-words.ts';
import { patiently } from './patiently.ts';
import { controlRoutes, flannelRoutes, readRoutes, type Answer } from './routes.ts';
import { Running } from './running.ts';
import { sideBySide, untilAborted } from './side-by-side.ts';
import { StartUp } from './start.ts';
import { statusOf, unreadyReasons } from './status.ts';
import { supervision } from './supervision.ts';

/** Whoever waits for subnet.env waits for containers; whoever asks how it goes may wait this much longer. */
const SERVE_AFTER_MS = 250;

export class Agent {
  readonly #parts: AgentParts;
  readonly #findings: Findings;
  readonly #journal: PassJournal;
  readonly #startUp: StartUp;
  readonly #startedMs: number;
  #running: Running | undefined;
  #drainWanted = false;
  readonly #whenDrained: (() => void)[] = [];
  #tellStarted = (): void => undefined;
  readonly #started = new Promise<void>((resolve) => (this.#tellStarted = resolve));

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.#findings = new Findings(parts.log);
    this.#journal = new PassJournal(parts.log);
    this.#startUp = new StartUp(parts, this.#findings);
    this.#startedMs = parts.clock.now();
  }

  /**
   * Runs until the signal fires (the data path stays as it is, but for what ShutdownCommand takes away, and the lease too), until it is drained, or until the lease is lost for good.
   * @throws WeftError what makes going on senseless: NETWORK_OVERLAP, NOT_PERMITTED, DUPLICATE_NODE_ID, BAD_OPTION, ...
   */
  async run(signal: AbortSignal): Promise<AgentEnd> {
    try {
      return await sideBySide((ending) => this.#tasks(ending), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      return { how: 'stopped' };
    } finally {
      // The signal has fired by now; a second one ends the process, whatever the command does.
      await this.#parts.extension.shutDown(new AbortController().signal);
    }
  }

  status(): Status {
    return statusOf(this.#facts());
  }

  /** By node id, subnet, public IP or an address in the subnet; undefined when there is no such peer. What stands on the host is looked up now. */
  async explain(peer: string, signal: AbortSignal): Promise<Explanation | undefined> {
    const report = this.#journal.last;
    const found = report === undefined ? undefined : findPeer(report, peer);
    if (this.#running === undefined || found === undefined) return undefined;
    const { self } = this.#running;
    const before = this.#journal.lastMove(found.peer.key)?.was;
    return explain({ host: this.#parts.host, self, before, words: this.#words(found) }, found, signal);
  }

  async metrics(): Promise<Answer> {
    const { metricsOf } = await import('./metrics.ts');
    return metricsOf(this.#facts());
  }

  /** Looks at everything again, soon. */
  wake(): void {
    this.#running?.wake();
  }

  /** Leaves the cluster: the lease goes, then what stands on this host because of us, then `run` ends. Resolves when all is gone. */
  drain(): Promise<void> {
    this.#drainWanted = true;
    this.#running?.drain();
    return new Promise((resolve) => this.#whenDrained.push(resolve));
  }

  #tasks(signal: AbortSignal): Promise<AgentEnd>[] {
    const listening = this.#listenForFlannel(signal);
    const supervised = this.#parts.supervisor === undefined ? [] : [this.#tell(this.#parts.supervisor, signal)];
    return [
      this.#live(listening, signal),
      listening.then(async (server) => {
        await server?.closed;
        return untilAborted(signal);
      }),
      this.#serveControl(signal),
      this.#serveHealth(signal),
      ...supervised,
    ];
  }

  /** @param listening where it cannot, the run ends before anything is touched */
  async #live(listening: Promise<unknown>, signal: AbortSignal): Promise<AgentEnd> {
    const started = await listening.then(() => this.#startUp.run(signal)).finally(this.#tellStarted);
    const { log } = this.#parts;
    const { lease } = started.self;
    log.info({ subnet: lease.subnet.v4, epoch: lease.epoch, node: this.#parts.state.remembered.node }, 'lease is held');
    const cloudKeeper = this.#parts.cloud && (await import('./cloud-keeper.ts')).CloudKeeper;
    this.#running = new Running(this.#parts, { ...started, cloudKeeper }, this.#findings, this.#journal);
    if (this.#drainWanted) this.#running.drain();
    const end = await this.#running.run(signal);
    if (end.how === 'drained') for (const tell of this.#whenDrained.splice(0)) tell();
    return end;
  }

  async #serveControl(signal: AbortSignal): Promise<never> {
    const { controlSocket } = this.#parts.options;
    await this.#moment();
    if (controlSocket !== undefined) await (await serveControl(controlSocket, controlRoutes(this), signal)).closed;
    return untilAborted(signal);
  }

  /** The start is over, or takes its time. */
  async #moment(): Promise<void> {
    const long = new Promise<void>((resolve) => void setTimeout(resolve, SERVE_AFTER_MS).unref());
    await Promise.race([this.#started, long]);
  }

  /** The data path does not depend on who listens on a port: it goes on, and tries again. */
  async #serveHealth(signal: AbortSignal): Promise<never> {
    const { options, clock, random } = this.#parts;
    const { health } = options;
    await this.#moment();
    if (health !== undefined) {
      const listen = async (): Promise<{ readonly closed: Promise<void> }> => {
        try {
          return await serve(health, readRoutes(this), signal);
        } catch (error) {
          throw new WeftError(
            'BAD_OPTION',
            `cannot listen on ${health.host}:${health.port}: ${asWeftError(error).message}`,
            { cause: error, hint: 'Choose another --health-listen' },
          );
        }
      };
      const { closed } = await patiently(
        'server',
        listen,
        { clock, random, findings: this.#findings },
        signal,
        () => true,
      );
      await closed;
    }
    return untilAborted(signal);
  }

  /** flanneld answers here before it has found its config, and does not start where it cannot. */
  async #listenForFlannel(signal: AbortSignal): Promise<{ readonly closed: Promise<void> } | undefined> {
    const { flannelHealth: at } = this.#parts.options;
    if (at === undefined) return undefined;
    try {
      return await serve(
        at,
        flannelRoutes(() => unreadyReasons(this.#facts()).length === 0),
        signal,
      );
    } catch (error) {
      throw new WeftError('CANNOT_LISTEN', `cannot listen on ${at.host}:${at.port}: ${asWeftError(error).message}`, {
        cause: error,
        hint: 'Choose another --healthz-port or --healthz-ip.',
      });
    }
  }

  async #tell(supervisor: Supervisor, signal: AbortSignal): Promise<never> {
    await this.#moment();
    const { clock } = this.#parts;
    const facts = (): Facts => this.#facts();
    const busySinceMs = (): number | undefined => this.#running?.passes.busySinceMs;
    const steps = (): number => this.#parts.extension.commandsEnded;
    return supervision({ clock, supervisor, facts, busySinceMs, steps, firstPass: this.#journal.first }, signal);
  }

  #words(peer: PeerPath): PathWords {
    return pathWords(
      peer,
      this.#running?.beside.prober.choices,
      this.#parts.clock,
      this.#running?.config.probe.holdMs ?? 0,
    );
  }

  #facts(): Facts {
    const { options, state, instance, clock } = this.#parts;
    const running = this.#running;
    const { config, uplink } = running ?? this.#startUp;
    const cloud = running?.beside.cloud;
    const [trouble] = this.#findings.of('store');
    return {
      version: options.version,
      node: state.remembered.node,
      instance: instance.id,
      phase: running?.keeper.phase ?? (this.#drainWanted ? 'draining' : 'starting'),
      leaseTrouble: running === undefined ? 'no lease yet' : running.keeper.unready,
      config,
      uplink,
      lease: running?.lease,
      subnetFileWritten: running?.passes.subnetFileWritten ?? false,
      view: running?.view,
      passes: this.#journal,
      cloud: cloud?.facts && { facts: cloud.facts, own: cloud.own, writer: cloud.writer, counts: cloud.counts },
      wordsOf: (peer) => this.#words(peer),
      store: { kind: options.storeKind, trouble },
      tunnel: () => this.#parts.tunnelCounters?.(),
      findings: this.#findings.all,
      renewals: running?.keeper.renewals ?? { made: 0, failed: 0 },
      startedMs: this.#startedMs,
      nowMs: clock.now(),
    };
  }
}
