/**
 * The reconciler's metrics in CloudWatch, for whoever writes them and whoever alarms on them. Constants alone: nothing is imported here.
 *
 * Each run writes every one of them once, 0 where there was nothing, so that an alarm finds its way back. A run that came to no end leaves out what it
 * does not know: conflicts, overflow, doubts, quota, failed routes. A run that finds another one at work (`busy`) writes `BusyRuns` and `BadEvents` alone.
 */
export const METRIC_NAMESPACE = 'Weft';

/** Every metric carries this one; its value is the Lambda function's name, so that two reconcilers of one account stay apart. */
export const FUNCTION_DIMENSION = 'service';

/** `QuotaUsedPercent` is written per table too, under this second dimension; without it, it is the fullest table's. */
export const TABLE_DIMENSION = 'table';

export type MetricUnitName = 'Count' | 'Percent' | 'Seconds';

export const METRICS = {
  RoutesCreated: { unit: 'Count', says: 'routes written where none stood, or taken over into the ledger' },
  RoutesReplaced: { unit: 'Count', says: 'routes pointed at another interface' },
  RoutesRemoved: { unit: 'Count', says: 'routes removed' },
  Conflicts: { unit: 'Count', says: "destinations of ours at which somebody else's route stands" },
  Overflow: { unit: 'Count', says: 'wanted routes that found no room in their table; those pairs stay on tunnels' },
  DoubtedLeases: { unit: 'Count', says: 'leases that get no route because they are not believed' },
  ReleasedLeases: { unit: 'Count', says: 'leases released early, their instances being gone' },
  QuotaUsedPercent: { unit: 'Percent', says: 'routes in a table against what it may hold; the fullest, and each' },
  Calls: { unit: 'Count', says: 'calls that could change something in the cloud' },
  FailedRoutes: {
    unit: 'Count',
    says: 'routes that could not be brought further for another reason, as a right that is missing',
  },
  RunSeconds: { unit: 'Seconds', says: 'how long the run took' },
  GoodRuns: {
    unit: 'Count',
    says: '1 for a run that came to its end, else 0: none in a while is the age of the last good pass',
  },
  CutRuns: { unit: 'Count', says: '1 for a run cut by its time limit or its budget of calls; the next goes on' },
  BusyRuns: { unit: 'Count', says: '1 for a run that found another at work and did nothing' },
  Errors: { unit: 'Count', says: '1 for a run that ended with an error' },
  BadEvents: {
    unit: 'Count',
    says: 'events and stream records that could not be read, or concern another account, region or lifecycle hook',
  },
} as const satisfies Readonly<Record<string, { readonly unit: MetricUnitName; readonly says: string }>>;

export type MetricName = keyof typeof METRICS;
