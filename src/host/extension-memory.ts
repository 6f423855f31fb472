/**
 * What commands of the config have done on this host, for nobody but us knows: the kernel shows what they made, not for whom.
 *
 *     <state-dir>/<instance>/extension/self.json          PreStartupCommand, PostStartupCommand
 *     <state-dir>/<instance>/extension/10.42.3.0-24.json  SubnetAddCommand, one file a peer
 *
 * Each is written before its command runs, as begun, and again when it has ended well. All of it is of one boot and one network namespace: with them
 * went what the commands had made. So nothing waits for the disk either.
 */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tryAddress } from '../core/address.ts';
import type { ExtensionCommands, ExtensionPeer, ExtensionSelf } from '../core/extension.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { trySubnet, type Subnet } from '../core/subnet.ts';
import { fileError } from './host-errors.ts';

/** `begun`: PreStartupCommand or PostStartupCommand is under way, or has failed. */
export interface RememberedSelf {
  readonly stage: 'begun' | 'prepared' | 'settled';
  readonly commands: ExtensionCommands;
  /** What PreStartupCommand printed. */
  readonly output: string;
  /** With what PostStartupCommand was run. */
  readonly told?: ExtensionSelf;
}

const SELF = 'self';

export class ExtensionMemory {
  readonly #folder: string;
  readonly #life: string;
  #self: RememberedSelf | undefined;
  readonly #peers = new Map<Subnet, ExtensionPeer>();
  /** Files of an earlier boot, which say nothing any more: they go with the first one that is written. */
  readonly #stale: string[] = [];

  /** @param folder of its own. A file that cannot be read counts as none: its command is run again */
  constructor(folder: string, life = lifeOfKernel()) {
    this.#folder = folder;
    this.#life = life;
    for (const [name, value] of this.#readAll()) {
      if (name === SELF) this.#self = readSelf(value);
      else {
        const peer = readPeer(value);
        if (peer !== undefined) this.#peers.set(peer.subnet, peer);
      }
    }
  }

  get self(): RememberedSelf | undefined {
    return this.#self;
  }

  get peers(): ReadonlyMap<Subnet, ExtensionPeer> {
    return this.#peers;
  }

  /** Undefined forgets. @throws WeftError NOT_PERMITTED, KERNEL_REFUSED */
  keepSelf(self: RememberedSelf | undefined): void {
    this.#write(SELF, self);
    this.#self = self;
  }

  keep(peer: ExtensionPeer): void {
    this.#write(nameOf(peer.subnet), peer);
    this.#peers.set(peer.subnet, peer);
  }

  forget(subnet: Subnet): void {
    this.#write(nameOf(subnet), undefined);
    this.#peers.delete(subnet);
  }

  #write(name: string, value: object | undefined): void {
    const file = join(this.#folder, `${name}.json`);
    try {
      for (const old of this.#stale.splice(0)) rmSync(old, { force: true });
      if (value === undefined) return rmSync(file, { force: true });
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.new`, JSON.stringify({ life: this.#life, ...value }), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch (error) {
      throw fileError(`cannot write ${file}`, error);
    }
  }

  #readAll(): (readonly [name: string, value: JsonObject])[] {
    let names: string[];
    try {
      names = readdirSync(this.#folder);
    } catch {
      return [];
    }
    return names.flatMap((file) => {
      if (!file.endsWith('.json')) return [];
      const value = this.#read(join(this.#folder, file));
      return value === undefined ? [] : [[file.slice(0, -'.json'.length), value] as const];
    });
  }

  #read(path: string): JsonObject | undefined {
    try {
      const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
      if (isJsonObject(value) && value['life'] === this.#life) return value;
    } catch {
      // Not readable: of no more use than one of an earlier boot.
    }
    this.#stale.push(path);
    return undefined;
  }
}

const nameOf = (subnet: Subnet): string => subnet.replace('/', '-').replaceAll(':', '_');

/** proc(5), namespaces(7). */
function lifeOfKernel(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/net')}`;
  } catch {
    return '';
  }
}

function texts<const Name extends string>(
  value: unknown,
  names: readonly Name[],
): Readonly<Record<Name, string>> | undefined {
  if (!isJsonObject(value)) return undefined;
  const found = Object.fromEntries(names.map((name) => [name, value[name]]));
  return Object.values(found).every((one) => typeof one === 'string')
    ? (found as Readonly<Record<Name, string>>)
    : undefined;
}

const stageOf = (text: string): RememberedSelf['stage'] => (text === 'prepared' || text === 'settled' ? text : 'begun');

function readSelf(value: JsonObject): RememberedSelf | undefined {
  const commands = texts(value['commands'], ['preStartup', 'postStartup', 'subnetAdd', 'subnetRemove', 'shutdown']);
  const known = texts(value, ['stage', 'output']);
  if (commands === undefined || known === undefined) return undefined;
  const told = texts(value['told'], ['network', 'subnet', 'publicIP']);
  const [network, subnet, publicIP] = [
    trySubnet(told?.network ?? ''),
    trySubnet(told?.subnet ?? ''),
    tryAddress(told?.publicIP ?? ''),
  ];
  const self: RememberedSelf = { stage: stageOf(known.stage), commands, output: known.output };
  return network === undefined || subnet === undefined || publicIP === undefined
    ? self
    : { ...self, told: { network, subnet, publicIP } };
}

function readPeer(value: JsonObject): ExtensionPeer | undefined {
  const known = texts(value, ['subnet', 'publicIP', 'data', 'add', 'remove']);
  const subnet = trySubnet(known?.subnet ?? '');
  const publicIP = tryAddress(known?.publicIP ?? '');
  if (known === undefined || subnet === undefined || publicIP === undefined) return undefined;
  const subnetV6 = trySubnet(texts(value, ['subnetV6'])?.subnetV6 ?? '');
  const publicIPv6 = tryAddress(texts(value, ['publicIPv6'])?.publicIPv6 ?? '');
  return {
    kind: 'extension',
    subnet,
    publicIP,
    ...(subnetV6 === undefined ? {} : { subnetV6 }),
    ...(publicIPv6 === undefined ? {} : { publicIPv6 }),
    data: known.data,
    add: known.add,
    remove: known.remove,
    ...(value['half'] === true ? { half: true } : {}),
  };
}
