/** Who this host is, by its metadata server alone. A server that is late, or answers nonsense, is waited for: on AWS there is no host without one. */
import type { CloudSelf } from '../../src/contracts/cloud-network.ts';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import { tryAddress, type Address } from '../../src/core/address.ts';
import { backoffMs } from '../../src/core/backoff.ts';
import { asWeftError, WeftError } from '../../src/core/errors.ts';
import { parseNodeId, type NodeId } from '../../src/core/node-id.ts';
import { trySubnet, type Subnet } from '../../src/core/subnet.ts';
import { shown, type MetadataClient } from './metadata-client.ts';

export interface ImdsParts {
  readonly metadata: Pick<MetadataClient, 'get'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Called with each error that is waited over, and with undefined when the server answers at last. */
  readonly onTrouble?: (error: WeftError | undefined) => void;
}

const PAUSE = { baseMs: 250, capMs: 5000, floorMs: 100 };
const MACS = 'network/interfaces/macs/';

export class Imds {
  readonly #parts: ImdsParts;

  constructor(parts: ImdsParts) {
    this.#parts = parts;
  }

  /** @throws WeftError ABORTED alone */
  instance(signal: AbortSignal): Promise<NodeId> {
    return this.#patiently(async () => parseNodeId(await this.#read('instance-id', INSTANCE, signal)), signal);
  }

  /** @throws WeftError ABORTED alone */
  region(signal: AbortSignal): Promise<string> {
    return this.#patiently(() => this.regionNow(signal), signal);
  }

  /** The same without waiting. @throws WeftError CLOUD_UNREACHABLE, ABORTED */
  regionNow(signal: AbortSignal): Promise<string> {
    return this.#read('placement/region', REGION, signal);
  }

  /** The VPC of this instance's first interface. @throws WeftError ABORTED alone */
  network(signal: AbortSignal): Promise<string> {
    return this.#patiently(async () => {
      const mac = await this.#read('mac', FIRST, signal);
      return this.#read(`${MACS}${mac}/vpc-id`, VPC, signal);
    }, signal);
  }

  /** @throws WeftError CLOUD_NOT_FOUND when none of this instance's interfaces has the address; ABORTED */
  identify(address: Address, signal: AbortSignal): Promise<CloudSelf> {
    return this.#patiently(async () => {
      const [instance, region, mac] = await Promise.all([
        this.#read('instance-id', INSTANCE, signal),
        this.#read('placement/region', REGION, signal),
        this.#interfaceOf(address, signal),
      ]);
      const of = (name: string): string => `${MACS}${mac}/${name}`;
      const [target, subnet, network, ranges] = await Promise.all([
        this.#read(of('interface-id'), INTERFACE, signal),
        this.#read(of('subnet-id'), SUBNET, signal),
        this.#read(of('vpc-id'), VPC, signal),
        this.#ranges(of('vpc-ipv4-cidr-blocks'), signal),
      ]);
      return { instance, region, identity: { provider: 'aws', network, subnet, target }, networkRanges: ranges };
    }, signal);
  }

  async #interfaceOf(address: Address, signal: AbortSignal): Promise<string> {
    const macs = (await this.#lines(MACS, signal)).map((line) => line.replace(/\/$/, ''));
    for (const mac of macs) if (!MAC.test(mac)) throw odd(MACS, mac, 'MAC addresses');
    const addresses = await Promise.all(macs.map((mac) => this.#lines(`${MACS}${mac}/local-ipv4s`, signal)));
    const index = addresses.findIndex((list) => list.some((text) => tryAddress(text) === address));
    const mac = macs[index];
    if (mac !== undefined) return mac;
    throw new WeftError(
      'CLOUD_NOT_FOUND',
      `no interface of this instance has the address ${address}: ${addresses.flat().join(', ')}`,
      {
        hint: 'Name the device that is an interface of the instance with --iface.',
      },
    );
  }

  async #ranges(path: string, signal: AbortSignal): Promise<readonly Subnet[]> {
    const lines = await this.#lines(path, signal);
    return lines.map((line) => {
      const range = trySubnet(line);
      if (range === undefined) throw odd(path, line, 'address ranges');
      return range;
    });
  }

  async #lines(path: string, signal: AbortSignal): Promise<string[]> {
    const text = await this.#parts.metadata.get(path, signal);
    const lines = (text ?? '').split('\n').map((line) => line.trim());
    const named = lines.filter((line) => line !== '');
    if (named.length === 0) throw odd(path, text ?? '', 'a list');
    return named;
  }

  async #read(path: string, form: Form, signal: AbortSignal): Promise<string> {
    const text = await this.#parts.metadata.get(path, signal);
    if (text === undefined || !form.pattern.test(text)) throw odd(path, text ?? '', form.what);
    return text;
  }

  /** As long as it takes. What is wrong with the answers may be so because the server is not ready. */
  async #patiently<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { clock, random, onTrouble } = this.#parts;
    for (let failures = 0; ;) {
      try {
        const value = await read();
        if (failures > 0) onTrouble?.(undefined);
        return value;
      } catch (error) {
        const known = asWeftError(error);
        if (signal.aborted || known.code !== 'CLOUD_UNREACHABLE') throw error;
        failures += 1;
        onTrouble?.(known);
      }
      await clock.sleep(backoffMs(failures, random.fraction(), PAUSE), signal);
    }
  }
}

interface Form {
  readonly pattern: RegExp;
  readonly what: string;
}

/** Ids are a prefix and 8 (until 2018) or 17 hexadecimal digits. */
const idOf = (prefix: string, what: string): Form => ({ pattern: new RegExp(`^${prefix}-[0-9a-f]{8,17}$`), what });
const INSTANCE = idOf('i', "an instance's id");
const INTERFACE = idOf('eni', "a network interface's id");
const SUBNET = idOf('subnet', "a subnet's id");
const VPC = idOf('vpc', "a VPC's id");
const REGION: Form = { pattern: /^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$/, what: 'a region' };
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
const FIRST: Form = { pattern: MAC, what: 'a MAC address' };

const odd = (path: string, text: string, expected: string): WeftError =>
  new WeftError(
    'CLOUD_UNREACHABLE',
    `the metadata server answers ${path} with ${text === '' ? 'nothing' : shown(text)}, expected ${expected}`,
    {
      hint: 'Something other than the EC2 metadata service may answer at its address.',
    },
  );
