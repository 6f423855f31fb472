/** An account as a file describes it, for `weftd lab aws start --plan FILE`. What is not known in it is an error: a misspelt word would be a test of nothing. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { WeftError } from '../../core/errors.ts';
import type { GroupPlan, InstancePlan, RulePlan, SubnetPlan, TablePlan, VpcPlan } from './account.ts';
import { DEFAULT_PLAN } from './default-plan.ts';
import { PlanNode } from './plan-node.ts';
import { readSettings, type AwsSettings } from './settings.ts';

export interface AccountPlan {
  readonly region: string;
  readonly vpcs: readonly VpcPlan[];
  /** Each has an access key that follows from its name. The first is whose key is printed at start. */
  readonly users: readonly string[];
  /** Of roles and users: documents, by name. */
  readonly policies: Readonly<Record<string, readonly unknown[]>>;
  readonly settings: Partial<AwsSettings>;
  /** Done at once, as `weftd lab aws` would do them. */
  readonly orders: readonly Readonly<Record<string, unknown>>[];
}

/** @param file undefined: the account that `weftd lab aws plan` prints. @throws WeftError BAD_OPTION naming the place in the file */
export function loadPlan(file: string | undefined): AccountPlan {
  try {
    if (file === undefined) return readPlan(DEFAULT_PLAN, '.');
    return readPlan(JSON.parse(readFileSync(file, 'utf8')), path.dirname(file));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new WeftError('BAD_OPTION', `plan ${file ?? ''}: ${why}`, {
      cause,
      hint: '"weftd lab aws plan" prints one to begin with',
    });
  }
}

/** @param folder where the files of policies lie */
export function readPlan(value: unknown, folder: string): AccountPlan {
  const plan = PlanNode.of(value, '');
  plan.only('region', 'vpcs', 'users', 'policies', 'settings', 'do');
  return {
    region: plan.optional('region')?.text() ?? 'eu-central-1',
    vpcs: plan.list('vpcs').map(readVpc),
    users: plan.optional('users')?.texts() ?? ['admin'],
    policies: Object.fromEntries(
      (plan.optional('policies')?.entries() ?? []).map(([name, documents]) => [name, readDocuments(documents, folder)]),
    ),
    settings: readSettings(plan.optional('settings')?.record() ?? {}),
    orders: (plan.optional('do')?.items() ?? []).map((order) => order.record()),
  };
}

/** A document, the name of a file that holds one, or a list of such. */
function readDocuments(node: PlanNode, folder: string): readonly unknown[] {
  const given = Array.isArray(node.value) ? node.items() : [node];
  return given.map(({ value }) =>
    typeof value === 'string' ? (JSON.parse(readFileSync(path.resolve(folder, value), 'utf8')) as unknown) : value,
  );
}

function readVpc(vpc: PlanNode): VpcPlan {
  vpc.only('name', 'ranges', 'tables', 'subnets', 'groups', 'instances');
  return {
    name: vpc.need('name').text(),
    ranges: vpc.need('ranges').texts(),
    tables: vpc.list('tables').map(readTable),
    subnets: vpc.list('subnets').map(readSubnet),
    groups: vpc.list('groups').map(readGroup),
    instances: vpc.list('instances').map(readInstance),
  };
}

function readTable(table: PlanNode): TablePlan {
  table.only('name', 'internet', 'edgeOf', 'tags');
  return { name: table.need('name').text(), ...table.texted('internet', 'edgeOf'), ...tagsOf(table) };
}

function readSubnet(subnet: PlanNode): SubnetPlan {
  subnet.only('name', 'range', 'zone', 'table');
  const [name, range, zone] = ['name', 'range', 'zone'].map((key) => subnet.need(key).text());
  return { name: name ?? '', range: range ?? '', zone: zone ?? '', ...subnet.texted('table') };
}

function readGroup(group: PlanNode): GroupPlan {
  group.only('name', 'ingress', 'egress');
  const egress = group.optional('egress')?.items().map(readRule);
  return {
    name: group.need('name').text(),
    ingress: group.list('ingress').map(readRule),
    ...(egress === undefined ? {} : { egress }),
  };
}

function readRule(rule: PlanNode): RulePlan {
  rule.only('protocol', 'ports', 'peer');
  const [first, last] = rule.optional('ports')?.items() ?? [];
  const protocol = (['tcp', 'udp', 'icmp', 'all'] as const).find((it) => it === rule.optional('protocol')?.value);
  if (protocol === undefined && rule.optional('protocol') !== undefined)
    throw rule.need('protocol').wrong('tcp, udp, icmp or all');
  return {
    peer: rule.need('peer').text(),
    ...(protocol === undefined ? {} : { protocol }),
    ...(first === undefined ? {} : { ports: [first.number(), (last ?? first).number()] as const }),
  };
}

function readInstance(instance: PlanNode): InstancePlan {
  instance.only('name', 'subnet', 'address', 'groups', 'role', 'tags');
  return {
    name: instance.need('name').text(),
    subnet: instance.need('subnet').text(),
    address: instance.need('address').text(),
    groups: instance.optional('groups')?.texts() ?? [],
    ...instance.texted('role'),
    ...tagsOf(instance),
  };
}

function tagsOf(node: PlanNode): { readonly tags?: Readonly<Record<string, string>> } {
  const tags = node.optional('tags');
  return tags === undefined ? {} : { tags: Object.fromEntries(tags.entries().map(([key, it]) => [key, it.text()])) };
}
