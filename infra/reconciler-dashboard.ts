/** One page: is all well, what did it do, how full are the tables. */
import { AlarmStatusWidget, Dashboard, GraphWidget, MathExpression, type Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { FUNCTION_DIMENSION, TABLE_DIMENSION, type MetricName } from '../lambda/metric-names.ts';
import { metricOf, PERIOD, type Seen } from './reconciler-metrics.ts';

export interface ReconcilerDashboardProps extends Seen {
  readonly alarms: readonly Alarm[];
}

const WIDTH = 12;

export class ReconcilerDashboard extends Construct {
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, props: ReconcilerDashboardProps) {
    super(scope, id);
    const graph = (title: string, statistic: 'Sum' | 'Maximum', ...names: readonly MetricName[]): GraphWidget =>
      new GraphWidget({ title, width: WIDTH, left: names.map((name) => metricOf(props, name, statistic)) });
    this.dashboard = new Dashboard(this, 'Dashboard', {
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', width: 2 * WIDTH, alarms: [...props.alarms] })],
        [
          graph('Routes', 'Sum', 'RoutesCreated', 'RoutesReplaced', 'RoutesRemoved', 'FailedRoutes'),
          new GraphWidget({ title: 'How full each table is (%)', width: WIDTH, left: [perTable(props)] }),
        ],
        [
          graph('Not routed', 'Maximum', 'Conflicts', 'Overflow', 'DoubtedLeases'),
          graph('Runs', 'Sum', 'GoodRuns', 'CutRuns', 'BusyRuns', 'Errors', 'BadEvents'),
        ],
        [
          graph('Calls and leases', 'Sum', 'Calls', 'ReleasedLeases'),
          new GraphWidget({
            title: 'Seconds a run',
            width: WIDTH,
            left: [metricOf(props, 'RunSeconds', 'Maximum')],
          }),
        ],
      ],
    });
  }
}

/** Tables come and go, so they are searched for. */
function perTable({ function: of, namespace }: Seen): MathExpression {
  const metric: MetricName = 'QuotaUsedPercent';
  const search = `{${namespace},${FUNCTION_DIMENSION},${TABLE_DIMENSION}} MetricName="${metric}" ${FUNCTION_DIMENSION}="${of.functionName}"`;
  return new MathExpression({
    expression: `SEARCH('${search}', 'Maximum', ${PERIOD.toSeconds()})`,
    period: PERIOD,
    label: '',
  });
}
