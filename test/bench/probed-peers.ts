/**
 * A thousand Weft peers in one process, in a network namespace of their own at the far end of a host's uplink: they answer probes on both of their paths, and,
 * when they are told to, ask as often as they are asked. Started by probing.ts. What is not theirs is the one kernel below them, which cannot hold a thousand tunnel devices:
 * tunnelled packets are taken apart here.
 */
import { spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { ProbePeer, ProbeSelf } from '../../src/contracts/path-probe.ts';
import { parseAddress } from '../../src/core/address.ts';
import type { PathName } from '../../src/core/path.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { pairSeals, publicProbeKey } from '../../src/host/probe-keys.ts';
import { ProbeSession } from '../../src/host/probe-session.ts';
import { HOST, PEER_PATHS, PROBE_PORT, VXLAN_PORT, type Emulated, type Told } from './probing.ts';
import { frameAround, readFrame, type Frame } from './vxlan-frame.ts';

interface Peer {
  readonly session: ProbeSession;
  readonly socket: Socket;
  /** Requests that came, in milliseconds. */
  readonly askedMs: number[];
  readonly paths: Set<PathName>;
}

/** What a session does not use is the host's. */
const SELF = {
  port: PROBE_PORT,
  network: parseSubnet('10.0.0.0/8'),
  subnetLength: 24,
  paths: [],
  marks: { mask: 0, first: 0 },
};

/** Each peer asks as an idle one does: all paths once in so long. */
const ROUND_MS = 55_000;

const peers = new Map<string, Peer>();
const tunnel = createSocket('udp4');
/** By which tunnelled packets reach the host: what one of its own looked like. */
let template: Frame | undefined;
let settledPeers = 0;
const seen = new Map<string, number>();

process.on('disconnect', () => process.exit());
process.once('message', (told: Emulated) => void emulate(told));
process.send?.({ kind: 'ready' } satisfies Told);

async function emulate({ host, others }: Emulated): Promise<void> {
  ip(
    'link set lo up',
    'address add 172.16.255.254/16 dev far0',
    'link set far0 up',
    // Whatever the host sends to is here, but for the host itself.
    'route add local 172.16.0.0/17 dev lo table local',
    `route add ${HOST} dev far0 table local`,
    'route add local 10.64.0.0/10 dev lo table local',
    `route add ${host.subnet} via ${HOST} dev far0 table local`,
  );
  for (const { node, base, privateKey } of others) {
    const own = { node, key: publicProbeKey(privateKey) };
    const seals = pairSeals(privateKey, own, host);
    if (seals === undefined) throw new Error(`no keys between ${node} and the host`);
    const self: ProbeSelf = { ...SELF, node, incarnation: 1, base: parseAddress(base) };
    const session = new ProbeSession(self, host, seals, { sequence: 0, nowMs: performance.now() });
    const socket = createSocket('udp4');
    peers.set(base, { session, socket, askedMs: [], paths: new Set() });
    socket.on('message', (bytes, { port }) =>
      hear(base, bytes, 'direct', (answer) => socket.send(answer, port, host.base)),
    );
    socket.bind(PROBE_PORT, base);
    await once(socket, 'listening');
  }
  tunnel.on('message', (packet) => {
    const frame = readFrame(packet);
    if (frame === undefined) return;
    template ??= frame;
    hear(frame.to, frame.payload, 'vxlan', (answer) =>
      tunnel.send(frameAround(frame, frame.to, frame.toPort, frame.fromPort, answer), VXLAN_PORT, HOST),
    );
  });
  tunnel.bind(VXLAN_PORT);
  await once(tunnel, 'listening');
  process.send?.({ kind: 'answering' } satisfies Told);
  process.once('message', () => askInTurn(host));
  setInterval(tell, 1000);
}

function hear(base: string, bytes: Uint8Array, path: PathName, send: (answer: Uint8Array) => void): void {
  const peer = peers.get(base);
  const message = peer?.session.read(bytes);
  if (peer === undefined || message === undefined) return;
  const nowMs = performance.now();
  if (message.kind === 'answer') {
    peer.session.hear(message, nowMs);
    return;
  }
  peer.askedMs.push(nowMs);
  const key = `${base} ${path}`;
  const count = (seen.get(key) ?? 0) + 1;
  seen.set(key, count);
  // Three good ones, and then it is an idle peer.
  if (count === 3 && peer.paths.add(path).size === PEER_PATHS.length) settledPeers += 1;
  const taken = peer.session.take(message, path, nowMs);
  if (taken !== undefined) send(taken.answer(false, nowMs));
}

function askInTurn(host: ProbePeer): void {
  let asked = 0;
  const all = [...peers];
  const startMs = performance.now();
  setInterval(() => {
    const due = ((performance.now() - startMs) / ROUND_MS) * all.length;
    for (; asked < due; asked++) {
      const [base, peer] = all[asked % all.length] ?? [];
      if (base === undefined || peer === undefined) return;
      const { session, socket } = peer;
      const nowMs = performance.now();
      session.giveUp(nowMs);
      socket.send(session.request('direct', nowMs), PROBE_PORT, host.base);
      if (template === undefined) continue;
      const frame = frameAround(template, base, PROBE_PORT, PROBE_PORT, session.request('vxlan', nowMs));
      tunnel.send(frame, VXLAN_PORT, HOST);
    }
  }, 20);
}

/** The requests of the last second, so that whoever measures has them with their time. */
function tell(): void {
  const requests = [...peers].flatMap(([base, { askedMs }]) => askedMs.splice(0).map((atMs) => ({ base, atMs })));
  process.send?.({ kind: 'requests', requests, settledPeers } satisfies Told);
}

function ip(...lines: string[]): void {
  const { status, stderr } = spawnSync('ip', ['-batch', '-'], { input: lines.join('\n'), encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip: ${stderr}`);
}
