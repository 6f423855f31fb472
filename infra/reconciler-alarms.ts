/** When a person should look: docs/operating.md says what to do about each. */
import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  TreatMissingData,
  type IAlarmAction,
  type Metric,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { metricOf, PERIOD, type Seen } from './reconciler-metrics.ts';

export interface ReconcilerAlarmsProps extends Seen {
  readonly actions: readonly IAlarmAction[];
}

interface Rule {
  readonly says: string;
  readonly metric: Metric;
  /** Alarm above it; `below`: under it. */
  readonly above?: number;
  readonly below?: number;
  /** Periods, of which all must be so. */
  readonly periods?: number;
  /** Default: nothing heard is nothing wrong. */
  readonly silenceIsBad?: boolean;
}

const QUOTA_PERCENT = 80;
/** Reserved concurrency 1 throttles whatever comes while a run goes on, and Lambda tries it again: some is usual. */
const USUAL_THROTTLES = 100;

export class ReconcilerAlarms extends Construct {
  readonly all: readonly Alarm[];

  constructor(scope: Construct, id: string, props: ReconcilerAlarmsProps) {
    super(scope, id);
    this.all = Object.entries(rules(props)).map(([name, rule]) => this.#alarm(name, rule, props.actions));
  }

  #alarm(name: string, rule: Rule, actions: readonly IAlarmAction[]): Alarm {
    const alarm = new Alarm(this, name, {
      alarmDescription: `Weft: ${rule.says}`,
      metric: rule.metric,
      threshold: rule.below ?? rule.above ?? 0,
      comparisonOperator:
        rule.below === undefined ? ComparisonOperator.GREATER_THAN_THRESHOLD : ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: rule.periods ?? 1,
      treatMissingData: rule.silenceIsBad ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(...actions);
    return alarm;
  }
}

function rules(seen: Seen): Readonly<Record<string, Rule>> {
  const period = onceAtLeast(seen.every);
  const sum = { period, statistic: 'Sum' };
  return {
    Crashes: {
      says: 'the function failed, or ran into its time limit: see its log',
      metric: seen.function.metricErrors(sum),
      periods: 2,
    },
    Errors: {
      says: 'runs ended with an error: the log says which',
      metric: metricOf(seen, 'Errors', 'Sum', period),
      periods: 3,
    },
    NoGoodRun: {
      says: 'no run has come to its end for a while: routes may be stale',
      metric: metricOf(seen, 'GoodRuns', 'Sum', window(seen.every)),
      below: 1,
      silenceIsBad: true,
    },
    Conflicts: {
      says: "somebody else's routes stand where ours should: weftd reconcile --dry-run names them",
      metric: metricOf(seen, 'Conflicts', 'Maximum', period),
      periods: 3,
    },
    FailedRoutes: {
      says: 'routes cannot be written or removed: the log says why, a right that is missing first of all',
      metric: metricOf(seen, 'FailedRoutes', 'Maximum', period),
      periods: 3,
    },
    QuotaUsed: {
      says: `a route table is more than ${QUOTA_PERCENT} % full: what finds no room goes by tunnels`,
      metric: metricOf(seen, 'QuotaUsedPercent', 'Maximum', period),
      above: QUOTA_PERCENT,
    },
    Throttles: {
      says: 'runs follow on each other without a pause, and others wait: see RunSeconds',
      metric: seen.function.metricThrottles(sum),
      above: USUAL_THROTTLES,
      periods: 3,
    },
    DroppedEvents: {
      says: 'events waited in vain for the function to be free: an instance may have ended without a drain',
      metric: seen.function.metric('AsyncEventsDropped', sum),
    },
  };
}

/** A period in which no run falls breaks a row of bad ones, and where every second one is empty no alarm would ever go off. */
const onceAtLeast = (every: Duration): Duration =>
  Duration.minutes(Math.max(PERIOD.toMinutes(), 2 * every.toMinutes()));

/** A long run may end ten minutes after the one before: 20 minutes, and where it runs seldom, three times the pause. CloudWatch allows a day. */
const window = (every: Duration): Duration => Duration.minutes(Math.max(20, 3 * every.toMinutes()));
