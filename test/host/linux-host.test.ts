import { execFileSync } from 'node:child_process';
import type { HostEntry, Route } from '../../src/core/host-entry.ts';
import { LinuxHost } from '../../src/host/linux-host.ts';
import { hostNetworkContract } from '../contract/host-network.ts';
import { SIDE, UPLINK, type HostWorld } from '../contract/host-world.ts';
import { NO_TUN } from '../lab/tun-access.ts';
import { enterOwnNetworkNamespace } from './own-network-namespace.ts';
import { asRootOfOwnNamespace } from './own-user-namespace.ts';

const ip = (...words: readonly string[]): void => void execFileSync('ip', words);
const bridge = (...words: readonly string[]): void => void execFileSync('bridge', words);

function device(name: string, mtu: number, address: string): void {
  ip('link', 'add', name, 'mtu', String(mtu), 'type', 'veth', 'peer', 'name', `${name}p`);
  ip('address', 'add', address, 'dev', name);
  for (const end of [name, `${name}p`]) ip('link', 'set', end, 'up');
}

/** The words of ip(8) and bridge(8) for what another hand sets. */
function byHand(entry: HostEntry): void {
  switch (entry.kind) {
    case 'route':
      return ip('route', 'replace', ...routeWords(entry), 'proto', '87');
    case 'neighbour':
      return ip('neighbour', 'replace', entry.address, 'lladdr', entry.mac, 'dev', entry.link, 'nud', 'permanent');
    case 'fdb':
      return bridge('fdb', 'replace', entry.mac, 'dst', entry.remote, 'dev', entry.link, 'self', 'permanent');
    case 'broadcast':
      return ip(
        'route',
        'add',
        'broadcast',
        entry.address,
        'dev',
        entry.link,
        'table',
        'local',
        'proto',
        'kernel',
        'scope',
        'link',
      );
    default:
      throw new Error(`no words for ${entry.kind}`);
  }
}

function removedByHand(entry: HostEntry): void {
  switch (entry.kind) {
    case 'link':
    case 'tun':
      return ip('link', 'delete', entry.name);
    case 'address':
      return ip('address', 'delete', `${entry.address}/${entry.prefixLength}`, 'dev', entry.link);
    case 'route':
      return ip('route', 'delete', entry.destination, 'dev', entry.link, ...metricWords(entry));
    case 'unreachable':
      return ip('route', 'delete', 'unreachable', entry.destination);
    case 'neighbour':
      return ip('neighbour', 'delete', entry.address, 'dev', entry.link);
    case 'fdb':
      return bridge('fdb', 'delete', entry.mac, 'dev', entry.link, 'self');
    default:
      throw new Error(`no words for ${entry.kind}`);
  }
}

const metricWords = ({ metric }: Route): string[] => (metric === undefined ? [] : ['metric', String(metric)]);

const routeWords = (route: Route): string[] => [
  route.destination,
  ...(route.via === undefined ? [] : ['via', route.via]),
  'dev',
  route.link,
  ...(route.onlink ? ['onlink'] : []),
  ...(route.mtuBytes === undefined ? [] : ['mtu', String(route.mtuBytes)]),
  ...(route.source === undefined ? [] : ['src', route.source]),
  ...metricWords(route),
];

function linuxWorld(): HostWorld {
  enterOwnNetworkNamespace();
  device(UPLINK, 1500, '192.168.7.1/24');
  device(SIDE, 1400, '192.168.9.1/24');
  ip('route', 'add', 'default', 'via', '192.168.7.254');
  const host = new LinuxHost();
  return {
    host,
    hand: {
      set: byHand,
      remove: removedByHand,
      setForeign: (route) => ip('route', 'add', ...routeWords(route), 'proto', 'static'),
      addDevice: (name) => ip('link', 'add', name, 'type', 'bridge'),
      removeDevice: (name) => ip('link', 'delete', name),
    },
    close: () => host.close(),
  };
}

const skip = asRootOfOwnNamespace(import.meta.filename);
if (skip !== 'done') hostNetworkContract('Linux', linuxWorld, { skip, noTun: NO_TUN });
