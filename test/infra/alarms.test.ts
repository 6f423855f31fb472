import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Duration } from 'aws-cdk-lib';
import { RouteReconciler, type RouteReconcilerProps } from '../../infra/route-reconciler.ts';
import { METRIC_NAMESPACE } from '../../lambda/metric-names.ts';
import { metricLines, toldBy, toldOfNone } from '../../lambda/run-metrics.ts';
import type { RunReport } from '../../src/reconcile/reconciler-parts.ts';
import { all, NO_CODE, only, resourcesOf, TABLE_ARN, VPC, type Resource } from './template.ts';

interface Alarm {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[];
  readonly Period: number;
  readonly EvaluationPeriods: number;
  readonly Threshold: number;
  readonly TreatMissingData: string;
  readonly AlarmActions?: readonly string[];
}

const TOPIC = 'arn:aws:sns:eu-central-1:111122223333:alarms';

function made(props: Partial<RouteReconcilerProps> = {}): readonly Resource[] {
  const store = { table: { tableName: 'weft', tableArn: TABLE_ARN } };
  return resourcesOf((stack) => new RouteReconciler(stack, 'R', { store, vpcs: [VPC], code: NO_CODE, ...props }));
}

const alarmsOf = (resources: readonly Resource[]): ReadonlyMap<string, Alarm> =>
  new Map(
    all(resources, 'AWS::CloudWatch::Alarm').map(({ id, properties }) => [
      id.replace(/^RAlarms(\w+)[0-9A-F]{8}$/, '$1'),
      properties as unknown as Alarm,
    ]),
  );

const REPORT: RunReport = {
  how: 'done',
  writer: { mode: 'reconciler', generation: 1 },
  tables: [],
  outcomes: new Map(),
  doubted: [],
  audit: [],
  findings: [],
  calls: 0,
};

/** Each metric with its dimensions as a run really writes them, in CloudWatch's embedded metric format. */
function written(functionName: string): ReadonlySet<string> {
  const lines = metricLines(
    { ...toldBy(REPORT, 1, 0), used: new Map([['rtb-1', 50]]) },
    METRIC_NAMESPACE,
    functionName,
  );
  const names = lines.flatMap((line) => {
    const entry = JSON.parse(line) as Readonly<Record<string, unknown>> & {
      readonly _aws: {
        readonly CloudWatchMetrics: readonly {
          readonly Namespace: string;
          readonly Dimensions: readonly (readonly string[])[];
          readonly Metrics: readonly { readonly Name: string }[];
        }[];
      };
    };
    return entry._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
      Dimensions.flatMap((dimensions) =>
        Metrics.map(({ Name }) =>
          metric(
            Namespace,
            Name,
            dimensions.map((name) => [name, String(entry[name])]),
          ),
        ),
      ),
    );
  });
  return new Set(names);
}

const metric = (namespace: string, name: string, dimensions: readonly (readonly [string, string])[]): string =>
  `${namespace} ${name} ${dimensions
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(' ')}`;

describe('the alarms of the reconciler', () => {
  const resources = made({ alarmActions: [{ bind: () => ({ alarmActionArn: TOPIC }) }] });
  const alarms = alarmsOf(resources);
  const functionName = `<${only(resources, 'AWS::Lambda::Function').id}>`;
  const of = (name: string): Alarm => {
    const alarm = alarms.get(name);
    assert.ok(alarm !== undefined, `${name} among ${[...alarms.keys()].join(', ')}`);
    return alarm;
  };

  it('watch metrics that a run writes, under the dimensions that it writes', () => {
    const ours = [...alarms.values()].filter(({ Namespace }) => Namespace === METRIC_NAMESPACE);
    const known = written(functionName);
    const watched = ours.map(({ Namespace, MetricName, Dimensions }) =>
      metric(
        Namespace,
        MetricName,
        Dimensions.map(({ Name, Value }) => [Name, Value]),
      ),
    );
    assert.equal(watched.length, 5);
    assert.deepEqual(
      watched.filter((name) => !known.has(name)),
      [],
    );
  });

  it("watch the function's own errors, throttles and dropped events", () => {
    const lambda = [...alarms.values()].filter(({ Namespace }) => Namespace === 'AWS/Lambda');
    assert.deepEqual(lambda.map(({ MetricName }) => MetricName).toSorted(), [
      'AsyncEventsDropped',
      'Errors',
      'Throttles',
    ]);
    assert.ok(lambda.every(({ Dimensions }) => Dimensions[0]?.Value === functionName));
  });

  it('go off when nothing is heard of a good run, and for nothing else that is not heard', () => {
    const silent = [...alarms].filter(([, { TreatMissingData }]) => TreatMissingData === 'breaching');
    assert.deepEqual(
      silent.map(([name]) => name),
      ['NoGoodRun'],
    );
    assert.equal(of('NoGoodRun').Period, 20 * 60);
    assert.equal(alarmsOf(made({ every: Duration.minutes(30) })).get('NoGoodRun')?.Period, 90 * 60);
  });

  it('see a run in each of their periods, however seldom it runs: an empty one would break a row of bad ones', () => {
    for (const minutes of [1, 2, 4, 10, 60]) {
      const seldom = [...alarmsOf(made({ every: Duration.minutes(minutes) }))];
      for (const [name, { Period, EvaluationPeriods }] of seldom) {
        assert.ok(Period >= 2 * minutes * 60, `${name} with a run each ${minutes} min`);
        // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        assert.ok(Period * EvaluationPeriods <= (Period < 3600 ? 1 : 7) * 86_400, name);
      }
    }
  });

  it('go off at a table that is more than 80 % full', () => {
    const { MetricName, Threshold } = of('QuotaUsed');
    assert.deepEqual([MetricName, Threshold], ['QuotaUsedPercent', 80]);
  });

  it('are told to those who were named, and to nobody otherwise', () => {
    assert.ok([...alarms.values()].every(({ AlarmActions }) => AlarmActions?.[0] === TOPIC));
    assert.ok([...alarmsOf(made()).values()].every(({ AlarmActions }) => AlarmActions === undefined));
  });

  it('of what stands in the tables are not ended by a run that saw none of it', () => {
    const standing = ['Conflicts', 'FailedRoutes', 'QuotaUsedPercent'] as const;
    for (const told of [
      toldOfNone('Errors', 1, 0),
      toldOfNone('CutRuns', 1, 0),
      toldBy({ ...REPORT, how: 'cut' }, 1, 0),
    ])
      for (const name of standing) assert.equal(told.numbers[name], undefined);
    for (const name of standing) assert.equal(toldBy(REPORT, 1, 0).numbers[name], 0);
  });

  it('stand on a dashboard, with metrics that a run writes', () => {
    const { DashboardBody } = only(resources, 'AWS::CloudWatch::Dashboard').properties;
    const { widgets } = JSON.parse(String(DashboardBody)) as {
      readonly widgets: readonly { readonly properties: { readonly metrics?: readonly (readonly unknown[])[] } }[];
    };
    const shown = widgets.flatMap(({ properties }) => properties.metrics ?? []).filter((row) => row.length >= 4);
    const known = written(functionName);
    const names = shown.map(([namespace, name, key, value]) =>
      metric(String(namespace), String(name), [[String(key), String(value)]]),
    );
    assert.ok(names.length > 10);
    assert.deepEqual(
      names.filter((name) => !known.has(name)),
      [],
    );
    assert.match(
      String(DashboardBody),
      /\{Weft,service,table\} MetricName=\\"QuotaUsedPercent\\" service=\\"<RFunction\w+>\\"/,
    );
    assert.deepEqual(all(made({ dashboard: false }), 'AWS::CloudWatch::Dashboard'), []);
  });
});
