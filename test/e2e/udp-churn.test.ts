/**
 * The user-space tunnel under mixed traffic while peers come and go. WEFT_UDP_SECONDS=600 makes it the long run:
 *
 *   WEFT_UDP_SECONDS=600 node --enable-source-maps --test build/test/e2e/udp-churn.test.js
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../src/lab/eventually.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import type { LabProcess } from '../../src/lab/lab-process.ts';
import { runIn } from '../../src/lab/namespaces.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { SteadyFlows } from '../../src/lab/steady-flows.ts';
import { enclosed } from '../lab/enclosed.ts';
import { NO_TUN } from '../lab/tun-access.ts';
import { anotherHandCommand } from './another-hand.ts';
import { closeLabs, CONFIG, never, startLab } from './cluster.ts';
import { End, Stream } from './streams.ts';

const SECONDS = Number(process.env['WEFT_UDP_SECONDS'] ?? 30);
const NAMES = ['a1', 'a2', 'b1'];
/** Every second one comes and one goes. Nobody is at their addresses. */
const EVERY_MS = 500;
const GUESTS = [1, 2, 3, 4, 5].map((n) => ({ subnet: `10.42.${n}.0/24`, publicIP: `172.30.1.${50 + n}` }));
/** What the engine's buffers and a few hundred passes may leave behind for the moment. */
const FLAT_MB = 16;

/** One sender of datagrams to a container of `to`. */
class Echo {
  readonly #server: End;
  readonly #client: End;

  private constructor(server: End, client: End) {
    this.#server = server;
    this.#client = client;
  }

  static async open(from: LabHost, to: LabHost, port: number): Promise<Echo> {
    const server = new End(to.container.name, 'udp-echo.js', 'serve', String(port));
    assert.equal(await server.line(), 'ready');
    const client = new End(from.container.name, 'udp-echo.js', 'send', to.container.address, String(port));
    assert.equal(await client.line(), 'ready');
    return new Echo(server, client);
  }

  async end(): Promise<{ readonly sent: number; readonly answered: number; readonly wrong: number }> {
    this.#client.finish();
    const [sent = 0, answered = 0, wrong = 0] = (await this.#client.line()).split(' ').map(Number);
    return { sent, answered, wrong };
  }

  kill(): void {
    this.#server.kill();
    this.#client.kill();
  }
}

interface Overflow {
  /** Packets that did not wait for the tunnel's thread, in the queue of its device. */
  readonly device: number;
  /** Datagrams that did not wait for it, or for the programs of the container, in the buffers of sockets. */
  readonly sockets: number;
}

/** What the kernel threw away because nobody had the time to take it. */
async function overflowOf(host: LabHost): Promise<Overflow> {
  const [link] = JSON.parse(await host.run(['ip', '-json', '-stats', 'link', 'show', 'flannel0'])) as readonly {
    readonly stats64: { readonly tx: { readonly dropped: number }; readonly rx: { readonly dropped: number } };
  }[];
  const { tx, rx } = link?.stats64 ?? assert.fail('no device');
  const sockets = await Promise.all([host.name, host.container.name].map(socketsFull));
  return { device: tx.dropped + rx.dropped, sockets: sockets.reduce((sum, one) => sum + one, 0) };
}

async function socketsFull(namespace: string): Promise<number> {
  const snmp = await runIn(namespace, ['cat', '/proc/net/snmp']);
  const [names = [], values = []] = snmp.match(/^Udp: .*$/gm)?.map((line) => line.split(' ')) ?? [];
  return Number(values[names.indexOf('RcvbufErrors')]);
}

function residentMb({ pid }: LabProcess): number {
  const [, kb] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kb) / 1024;
}

enclosed(import.meta.url, () => {
  describe(`three hosts with udp alone, for ${SECONDS} s`, { skip: NO_TUN }, () => {
    let lab: Lab;
    let hosts: readonly LabHost[];
    const streams: Stream[] = [];
    const echoes: Echo[] = [];
    const pairs = NAMES.flatMap((from) => NAMES.filter((to) => to !== from).map((to) => [from, to] as const));

    before(async () => {
      lab = await startLab();
      await lab.writeConfig({ ...CONFIG, Weft: { Paths: ['udp'] } });
      hosts = NAMES.map((name) => lab.host(name));
      await startHosts(hosts, hosts, never);
    });
    after(async () => {
      for (const each of [...streams, ...echoes]) each.kill();
      await closeLabs();
    });

    const memory = (): number[] => hosts.map(({ daemon }) => (daemon === undefined ? 0 : residentMb(daemon)));

    it('carry TCP, UDP and pings between all of them while others come and go', async (t) => {
      const flows = new SteadyFlows(lab, pairs);
      for (const [number, [from, to]] of pairs.entries()) {
        streams.push(await Stream.open(lab.host(from).container.name, lab.host(to), 7001 + number));
        echoes.push(await Echo.open(lab.host(from), lab.host(to), 7101 + number));
      }
      const [any] = hosts;
      assert.ok(any);
      const guests = lab.start({
        name: 'guests',
        namespace: any.name,
        command: anotherHandCommand(any, { deed: 'let plain leases come and go', leases: GUESTS, everyMs: EVERY_MS }),
        environment: any.environment,
        logFile: `${lab.folder}/guests.log`,
      });
      const turns = (): number => readFileSync(guests.logFile, 'utf8').trimEnd().split('\n').length;
      const wanted = (SECONDS * 1000) / EVERY_MS;
      const samples: number[][] = [];
      let next = wanted / 3;
      await eventually(
        'the guests have come and gone so often',
        SECONDS * 4000,
        () => {
          if (guests.ending !== undefined) throw new Error(readFileSync(guests.logFile, 'utf8'));
          const now = turns();
          // The first third warms up; then a sample for every tenth of the rest.
          if (now >= next) {
            samples.push(memory());
            next += wanted / 15;
          }
          return now >= wanted ? { found: true } : { missing: `${now} of ${wanted}` };
        },
        never,
      );
      guests.kill('SIGKILL');

      const loss = await flows.stop();
      const { sentPings, lostPings, latePings } = loss;
      t.diagnostic(`${sentPings} pings, ${lostPings} lost, ${latePings} of them late`);
      const ends = await Promise.all(echoes.map((each) => each.end()));
      let overflow = 0;
      for (const host of hosts) {
        const { device, sockets } = await overflowOf(host);
        t.diagnostic(`${host.name}: the kernel dropped ${device} at the device, ${sockets} at sockets`);
        overflow += device + sockets;
      }
      // A machine with too much to do lets queues grow, and run over, which the kernel counts. What is lost besides, the tunnel has lost; one that cannot do its work loses all.
      assert.ok(lostPings - latePings - overflow <= sentPings / 20, loss.losers.join(', '));
      assert.ok(lostPings <= sentPings * 0.9, loss.losers.join(', '));
      for (const { sent, answered, wrong } of ends) {
        t.diagnostic(`${sent} datagrams, ${answered} answered, ${wrong} wrong`);
        assert.equal(wrong, 0);
        assert.ok(answered >= sent * 0.99 - overflow, `${answered} of ${sent}`);
        assert.ok(answered >= sent / 10, `${answered} of ${sent}`);
      }
      for (const each of streams) await each.whole();

      for (const [index, host] of hosts.entries()) {
        const seen = samples.map((sample) => sample[index] ?? 0);
        const half = Math.ceil(seen.length / 2);
        const mean = (values: readonly number[]): number => values.reduce((sum, mb) => sum + mb, 0) / values.length;
        const grown = mean(seen.slice(half)) - mean(seen.slice(0, half));
        t.diagnostic(`${host.name}: ${seen.map((mb) => mb.toFixed(0)).join(' ')} MB, grown by ${grown.toFixed(1)}`);
        assert.ok(grown < FLAT_MB, `${host.name} has grown by ${grown} MB`);
      }
    });

    it('have learned of each guest, and dropped nothing of each other’s', async () => {
      for (const host of hosts) {
        const joined = readFileSync(host.logFile, 'utf8').match(/peer joined/g)?.length ?? 0;
        assert.ok(joined > SECONDS / 4, `${host.name}: ${joined} joined`);
        const status = await host.status();
        assert.deepEqual(status?.findings, [], host.name);
        const { sentPackets = 0 } = status?.tunnel ?? {};
        assert.ok(sentPackets > 100 * SECONDS, `${host.name}: ${sentPackets} sent`);
        const dropped = status?.peers.flatMap(({ node, tunnel }) => (node === null ? [] : [tunnel?.dropped]));
        assert.deepEqual(dropped, [0, 0], `${host.name}: ${JSON.stringify(status?.tunnel)}`);
      }
    });
  });
});
