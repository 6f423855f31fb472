/**
 * A host that does as flanneld does: its lease to the byte (FLANNEL.md 2.2 to 2.4), and the kernel as flanneld sets it with ip(8) and bridge(8) by what
 * the leases of others say (4.3, 4.4). What Weft adds to a lease it does not know, and loses when it writes.
 */
import { writeFileSync } from 'node:fs';
import { readSubnetFile } from '../../src/lab/container.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { ip, writeSysctl } from '../../src/lab/namespaces.ts';
import type { EtcdEntry, EtcdHand } from './etcd-hand.ts';

const UPLINK = 'eth0';
const DEVICE = 'flannel.1';

export interface FlannelConfig {
  readonly network: string;
  readonly type: 'vxlan' | 'host-gw';
  readonly directRouting?: boolean;
}

/** What flanneld decodes of a lease: nothing else. */
interface FlannelLease {
  /** `10.42.3.0/24`. */
  readonly subnet: string;
  readonly base: string;
  readonly publicIP: string;
  readonly type: string;
  readonly mac: string | undefined;
}

export class Flanneld {
  readonly host: LabHost;
  readonly #hand: EtcdHand;
  readonly #config: FlannelConfig;
  /** By subnet: those it has programmed. */
  readonly #peers = new Map<string, FlannelLease>();
  #subnet: string | undefined;
  #mac: string | undefined;

  constructor(host: LabHost, hand: EtcdHand, config: FlannelConfig) {
    this.host = host;
    this.#hand = hand;
    this.#config = config;
  }

  get subnet(): string {
    return this.#subnet ?? '';
  }

  get mac(): string {
    return this.#mac ?? '';
  }

  get key(): string {
    return `subnets/${this.subnet.replace('/', '-')}`;
  }

  /** Its value of the lease, to the byte. */
  get value(): string {
    const data = this.#config.type === 'vxlan' ? `,"BackendData":{"VNI":1,"VtepMAC":"${this.#mac}"}` : '';
    return `{"PublicIP":"${this.host.plan.address}","PublicIPv6":null,"BackendType":"${this.#config.type}"${data}}`;
  }

  /** @param wish the subnet that its dice show when nothing says which it had */
  async start(wish: string): Promise<void> {
    if (this.#config.type === 'vxlan') await this.#makeDevice();
    await this.#acquire(wish);
    // By the container engine: flanneld leaves it alone.
    writeSysctl(this.host.name, 'net.ipv4.ip_forward', '1');
    if (this.#config.type === 'vxlan') await this.#ensureAddress();
    const mtu = this.#config.type === 'vxlan' ? 1450 : 1500;
    const first = this.#base.replace(/\.0$/, '.1');
    writeFileSync(
      this.host.subnetFile,
      `FLANNEL_NETWORK=${this.#config.network}\nFLANNEL_SUBNET=${first}/24\nFLANNEL_MTU=${mtu}\nFLANNEL_IPMASQ=false\n`,
    );
    await this.follow();
  }

  /** Its process is gone: nothing else changes, and what it had programmed it does not remember. */
  kill(): void {
    this.#peers.clear();
  }

  /** As at the renewal: its value as it knows it, over whatever stands there. */
  async renew(): Promise<void> {
    await this.#hand.put(this.key, this.value, 86_400);
  }

  /** Does what the events of the leases since the last look would have made it do. */
  async follow(): Promise<void> {
    const leases = (await this.#hand.list('subnets/')).map(readLease);
    const peers = leases.filter(({ subnet, type }) => subnet !== this.#subnet && type === this.#config.type);
    for (const [subnet, peer] of this.#peers) {
      if (peers.some((one) => one.subnet === subnet)) continue;
      await this.#remove(peer);
      this.#peers.delete(subnet);
    }
    for (const peer of peers) {
      await this.#add(peer);
      this.#peers.set(peer.subnet, peer);
    }
  }

  get #base(): string {
    return this.subnet.replace(/\/.*/, '');
  }

  /** FLANNEL.md 2.4: by public IP, by the previous subnet if nobody has it, else by chance. */
  async #acquire(wish: string): Promise<void> {
    const leases = (await this.#hand.list('subnets/')).map(readLease);
    const mine = leases.find(({ publicIP }) => publicIP === this.host.plan.address);
    if (mine !== undefined) {
      this.#subnet = mine.subnet;
      return await this.renew();
    }
    const before = readSubnetFile(this.host.subnetFile)?.subnet;
    const free = before !== undefined && !leases.some(({ subnet }) => subnet === before);
    this.#subnet = free ? before : wish;
    if (!(await this.#hand.create(this.key, this.value))) throw new Error(`subnet ${this.#subnet} already exists`);
  }

  /** One that stands and is compatible stays, with its MAC. */
  async #makeDevice(): Promise<void> {
    const { address } = this.host.plan;
    const { code, stdout } = await this.host.tryProgram(['ip', '-o', '-d', 'link', 'show', DEVICE]);
    const wanted = new RegExp(` vxlan id 1 (?:.* )?local ${address} dev ${UPLINK} .*dstport 8472 `);
    if (code === 0 && wanted.test(stdout)) {
      this.#mac = / link\/ether (\S+)/.exec(stdout)?.[1];
      return;
    }
    if (code === 0) await this.#ip(`link delete ${DEVICE}`);
    const random = Array.from({ length: 5 }, () =>
      Math.floor(Math.random() * 256)
        .toString(16)
        .padStart(2, '0'),
    );
    this.#mac = ['ae', ...random].join(':');
    await this.#ip(
      `link add ${DEVICE} mtu 1450 address ${this.#mac} type vxlan id 1 local ${address} dev ${UPLINK} dstport 8472 nolearning`,
    );
  }

  /** The base and no other of the Network; where it stands it is left standing. */
  async #ensureAddress(): Promise<void> {
    const shown = await this.host.run(['ip', '-4', '-o', 'address', 'show', 'dev', DEVICE]);
    const standing = [...shown.matchAll(/ inet (\S+) /g)].map(([, address = '']) => address);
    const wanted = `${this.#base}/32`;
    await this.#ip(
      ...standing.filter((address) => address !== wanted).map((address) => `address delete ${address} dev ${DEVICE}`),
      ...(standing.includes(wanted) ? [] : [`address add ${wanted} dev ${DEVICE}`]),
      `link set ${DEVICE} up`,
    );
  }

  async #add(peer: FlannelLease): Promise<void> {
    const { subnet, base, publicIP, mac } = peer;
    if (this.#config.type === 'host-gw') return await this.#addNextHop(peer);
    if (await this.#isDirect(publicIP)) return await this.#ip(`route replace ${subnet} via ${publicIP}`);
    await this.#ip(`neighbour replace ${base} lladdr ${mac} dev ${DEVICE} nud permanent`);
    await this.#bridge(`fdb replace ${mac} dst ${publicIP} dev ${DEVICE} self permanent`);
    await this.#ip(`route replace ${subnet} via ${base} dev ${DEVICE} onlink`);
  }

  async #remove(peer: FlannelLease): Promise<void> {
    const { subnet, base, publicIP, mac } = peer;
    if (this.#config.type === 'host-gw') return await this.#ip(`route delete ${subnet} via ${publicIP} dev ${UPLINK}`);
    if (await this.#isDirect(publicIP)) return await this.#ip(`route delete ${subnet} via ${publicIP}`);
    await this.#ip(`neighbour delete ${base} dev ${DEVICE}`, `route delete ${subnet} via ${base} dev ${DEVICE}`);
    await this.#bridge(`fdb delete ${mac} dev ${DEVICE} self`);
  }

  /** The first route to that destination is taken away when it leads elsewhere; a next hop that is not on the link is an error in its log. */
  async #addNextHop({ subnet, publicIP }: FlannelLease): Promise<void> {
    const first = (await this.host.run(['ip', 'route', 'show', subnet])).split('\n')[0] ?? '';
    if (first.includes(` via ${publicIP} dev ${UPLINK} `)) return;
    if (first !== '') await this.host.run(['ip', 'route', 'delete', ...first.trim().split(/\s+/)]);
    await this.host.tryProgram(['ip', 'route', 'add', subnet, 'via', publicIP, 'dev', UPLINK]);
  }

  /** DirectRouting: one way without a gateway. */
  async #isDirect(publicIP: string): Promise<boolean> {
    if (this.#config.directRouting !== true) return false;
    return !(await this.host.run(['ip', 'route', 'get', publicIP])).includes(' via ');
  }

  #ip(...lines: readonly string[]): Promise<void> {
    return ip(lines, this.host.name);
  }

  async #bridge(words: string): Promise<void> {
    await this.host.run(['bridge', ...words.split(' ')]);
  }
}

function readLease({ key, value }: EtcdEntry): FlannelLease {
  const subnet = key.replace('subnets/', '').replace('-', '/');
  const lease = JSON.parse(value) as {
    readonly PublicIP: string;
    readonly BackendType?: string;
    readonly BackendData?: { readonly VtepMAC?: string };
  };
  return {
    subnet,
    base: subnet.replace(/\/.*/, ''),
    publicIP: lease.PublicIP,
    type: lease.BackendType ?? '',
    mac: lease.BackendData?.VtepMAC,
  };
}
