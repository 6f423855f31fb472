/**
 * What an AWS account holds, as one value: an action makes the next one from it (routes.ts, instances.ts, ...). Protocol, time and packets are
 * elsewhere: the same value is what DescribeX prints, and what the kernel is made to be.
 */
import type { Address } from '../../core/address.ts';
import type { Subnet } from '../../core/subnet.ts';

export interface Vpc {
  readonly id: string;
  readonly ranges: readonly Subnet[];
}

export interface CloudSubnet {
  readonly id: string;
  readonly vpc: string;
  readonly range: Subnet;
  readonly zone: string;
}

export type RouteOrigin = 'CreateRouteTable' | 'CreateRoute' | 'EnableVgwRoutePropagation';

export type RouteTarget =
  | { readonly kind: 'local' }
  | { readonly kind: 'gateway'; readonly id: string }
  | { readonly kind: 'interface'; readonly id: string };

export interface Route {
  readonly destination: Subnet;
  readonly origin: RouteOrigin;
  readonly target: RouteTarget;
}

export interface RouteTable {
  readonly id: string;
  readonly vpc: string;
  readonly routes: ReadonlyMap<Subnet, Route>;
  /** Static routes that it may hold; undefined: the account's quota. */
  readonly quota?: number;
}

/** Of a subnet, of a gateway (then the table is an edge table), or the VPC's main one, which serves all other subnets. */
export interface Association {
  readonly id: string;
  readonly table: string;
  readonly subnet?: string;
  readonly gateway?: string;
  readonly main: boolean;
}

export interface Attachment {
  readonly id: string;
  readonly instance: string;
  readonly device: number;
}

export interface NetworkInterface {
  readonly id: string;
  readonly vpc: string;
  readonly subnet: string;
  readonly address: Address;
  readonly mac: string;
  readonly groups: readonly string[];
  readonly sourceDestCheck: boolean;
  readonly attachment?: Attachment;
  /** What DescribeRouteTables says of routes to it. Late: packets may die before it says so. */
  readonly shownAs: 'active' | 'blackhole';
}

export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';

export interface Instance {
  readonly id: string;
  readonly state: InstanceState;
  readonly zone: string;
  /** Name of the role whose credentials it gets from the metadata server. */
  readonly role?: string;
}

export type Protocol = 'tcp' | 'udp' | 'icmp' | 'all';

export interface GroupRule {
  readonly protocol: Protocol;
  /** Of tcp and udp; undefined: every port. */
  readonly ports?: readonly [first: number, last: number];
  /** An address range, or the id of a group: then the addresses of the interfaces in it, and no others. */
  readonly peer: Subnet | { readonly group: string };
}

export interface SecurityGroup {
  readonly id: string;
  readonly vpc: string;
  readonly name: string;
  readonly ingress: readonly GroupRule[];
  readonly egress: readonly GroupRule[];
}

export interface LifecycleHook {
  readonly name: string;
  /** How long it waits when nobody says anything. */
  readonly heartbeatMs: number;
  /** What it does then. */
  readonly result: 'CONTINUE' | 'ABANDON';
  readonly metadata?: string;
}

export interface GroupMember {
  readonly instance: string;
  readonly state: 'InService' | 'Terminating:Wait' | 'Terminating:Proceed';
  /** Tokens of what is waited for, by the hook's name. */
  readonly waits: ReadonlyMap<string, string>;
}

/** An Auto Scaling group. It starts no machine in the place of one that ends. */
export interface ScalingGroup {
  readonly name: string;
  readonly id: string;
  readonly desired: number;
  /** Of the transition `autoscaling:EC2_INSTANCE_TERMINATING`. */
  readonly hooks: readonly LifecycleHook[];
  readonly members: ReadonlyMap<string, GroupMember>;
}

/** What happens to packets although no API shows it. */
export interface Damage {
  /** Interfaces that neither send nor receive. */
  readonly dark: ReadonlySet<string>;
  /** Interfaces whose routes lead nowhere; they themselves work. */
  readonly deadTargets: ReadonlySet<string>;
  /** Packets that vanish, by their own addresses: one direction. */
  readonly drops: readonly { readonly from: Subnet; readonly to: Subnet }[];
}

export interface AwsState {
  readonly vpcs: ReadonlyMap<string, Vpc>;
  readonly subnets: ReadonlyMap<string, CloudSubnet>;
  readonly tables: ReadonlyMap<string, RouteTable>;
  readonly associations: ReadonlyMap<string, Association>;
  readonly interfaces: ReadonlyMap<string, NetworkInterface>;
  readonly instances: ReadonlyMap<string, Instance>;
  readonly groups: ReadonlyMap<string, SecurityGroup>;
  /** By name. */
  readonly scaling: ReadonlyMap<string, ScalingGroup>;
  /** By the id of what carries them. */
  readonly tags: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly damage: Damage;
  /** Counts the ids given out by actions. */
  readonly minted: number;
}

export const EMPTY: AwsState = {
  vpcs: new Map(),
  subnets: new Map(),
  tables: new Map(),
  associations: new Map(),
  interfaces: new Map(),
  instances: new Map(),
  groups: new Map(),
  scaling: new Map(),
  tags: new Map(),
  damage: { dark: new Set(), deadTargets: new Set(), drops: [] },
  minted: 0,
};

/** A copy of the map with one more, or another, entry. */
export function having<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}

export function lacking<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}
