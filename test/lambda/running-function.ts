/** The function as it is uploaded, started as Lambda starts it, beside a small cluster. */
import assert from 'node:assert/strict';
import { reconcilerPolicy } from '../../infra/policies.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { ACCOUNT } from '../../src/lab/aws/cloud.ts';
import type { FunctionPlan, Invocation } from '../../src/lab/aws/lambda-runtime.ts';
import { LambdaService } from '../../src/lab/aws/lambda-service.ts';
import { eventually, type Look } from '../../src/lab/eventually.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { LambdaWorld, REGION } from './lambda-world.ts';
import { configRow, leaseRowOf, type LeasedNode } from './node-rows.ts';
import { CONFIG, NETWORK, PLAN, routesFor, TABLES } from './small-cluster.ts';

/** For machines that are slow today. */
const WITHIN_MS = 60_000;

/** Its role's own: whatever it does in these tests it may do. */
export const POLICY = reconcilerPolicy(
  {
    partition: 'aws',
    region: REGION,
    account: ACCOUNT,
    tableArn: `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/weft`,
    networks: ['default'],
    vpcs: [NETWORK],
    routeTables: { by: 'vpc' },
  },
  { lifecycleGroups: [`arn:aws:autoscaling:${REGION}:${ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/nodes`] },
);

type Fields = Readonly<Record<string, unknown>>;

export const SCHEDULE = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} };

export const terminated = (name: string): object => ({
  version: '0',
  id: '12345678-1234-1234-1234-123456789012',
  'detail-type': 'EC2 Instance State-change Notification',
  source: 'aws.ec2',
  account: ACCOUNT,
  time: '2026-01-01T00:00:00Z',
  region: REGION,
  resources: [],
  detail: { 'instance-id': planned.instance(name), state: 'terminated' },
});

export class RunningFunction {
  readonly world: LambdaWorld;
  readonly service: LambdaService;

  private constructor(world: LambdaWorld, service: LambdaService) {
    this.world = world;
    this.service = service;
  }

  /** With leases of these nodes, and the environment that is right but for these variables. */
  static async start(
    nodes: readonly LeasedNode[],
    { environment, ...plan }: Partial<FunctionPlan> = {},
  ): Promise<RunningFunction> {
    const world = await LambdaWorld.start({ vpcs: [PLAN], networks: [NETWORK], policy: POLICY });
    await world.writeRows([configRow(CONFIG), ...nodes.map(leaseRowOf)]);
    const whole = world.functionPlan({ ...plan, environment: world.environment(environment) });
    return new RunningFunction(world, new LambdaService(whole, { clock: new SystemClock(), retryAfterMs: [10, 20] }));
  }

  /** The same function, with other settings of Lambda's own. */
  another(plan: Partial<FunctionPlan>): LambdaService {
    return new LambdaService({ ...this.service.plan, ...plan }, { clock: this.service.clock });
  }

  /** The answer to an event. */
  async ask(event: unknown): Promise<Fields> {
    return this.answerOf(await this.service.invoke(event));
  }

  answerOf({ outcome }: Invocation): Fields {
    assert.ok(outcome.kind === 'answered', `${JSON.stringify(outcome)}; ${this.lastWords}`);
    assert.ok(typeof outcome.answer === 'object' && outcome.answer !== null);
    return { ...outcome.answer };
  }

  until<T>(what: string, look: () => Look<T> | Promise<Look<T>>): Promise<T> {
    return eventually(what, WITHIN_MS, look, this.service.closing.signal);
  }

  routesStand(nodes: readonly LeasedNode[]): Promise<true> {
    return this.until('the routes', () => {
      const standing = JSON.stringify([this.world.routes(TABLES.a), this.world.routes(TABLES.b)]);
      const wanted = JSON.stringify([routesFor('a', nodes), routesFor('b', nodes)]);
      return standing === wanted ? { found: true } : { missing: `${standing}; ${this.lastWords}` };
    });
  }

  /** Of each metric the latest value. */
  metrics(): Fields {
    const whole = this.#lines().filter((line) => '_aws' in line && !('table' in line));
    return Object.assign({}, ...whole) as Fields;
  }

  /** Lines of its log with this message. */
  said(message: string): readonly Fields[] {
    return this.#lines().filter((line) => line['message'] === message);
  }

  get lastWords(): string {
    return `it printed ${this.service.lines.slice(-5).join('\n')}`;
  }

  async close(): Promise<void> {
    this.service.close();
    await this.world.close();
  }

  #lines(): readonly Fields[] {
    return this.service.lines.map((line) => JSON.parse(line) as Fields);
  }
}
