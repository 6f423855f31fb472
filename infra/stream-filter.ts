/**
 * Which changes of the table wake the reconciler: a lease or the config became another. A renewal writes no delta; what the reconciler itself
 * writes (ledger, state of its runs) has deltas of rows that are not leases. Nobody pays for what is filtered out
 * (https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html).
 */
import { NETWORK_PARTITIONS, PARTITION_KEY, SORT_KEY } from '../providers/dynamodb/table.ts';

/** Of one network: several share a table, and each has a reconciler of its own. */
export const changesOf = (network: string): Readonly<Record<string, unknown>> => ({
  eventName: ['INSERT'],
  dynamodb: {
    NewImage: {
      [PARTITION_KEY]: { S: [`${NETWORK_PARTITIONS}${network}`] },
      [SORT_KEY]: { S: [{ prefix: 'delta#' }] },
      row: { S: [{ prefix: 'lease#' }, 'config'] },
    },
  },
});
