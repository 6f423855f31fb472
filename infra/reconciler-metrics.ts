/** The metrics that the reconciler writes, and Lambda's own of it, for alarms and the dashboard. */
import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function } from 'aws-cdk-lib/aws-lambda';
import { FUNCTION_DIMENSION, type MetricName } from '../lambda/metric-names.ts';

export const PERIOD = Duration.minutes(5);

export interface Seen {
  readonly function: Function;
  readonly namespace: string;
  /** How often it runs at least. */
  readonly every: Duration;
}

export const metricOf = (
  { function: of, namespace }: Seen,
  metricName: MetricName,
  statistic: 'Sum' | 'Maximum',
  period = PERIOD,
): Metric =>
  new Metric({ namespace, metricName, statistic, period, dimensionsMap: { [FUNCTION_DIMENSION]: of.functionName } });
