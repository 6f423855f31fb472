/**
 * The table's schema: what `createTable` makes, what an existing table is checked against, and what the CDK construct builds from.
 *
 *   PK           SK                              what                                            written by
 *   net#<id>     counter                         seq, and where the newest snapshot is           every change
 *                config                          the network config                              operators
 *                lease#<key>                     flannel's value, node, epoch, state; for ever   nodes
 *                record#<kind>#<key>             one small record                                nodes, reconciler
 *                count#<name>                    one counter of `Records.add`                    reconciler
 *                delta#<seq>                     what change `seq` wrote; deleted by TTL         every change
 *                snapshot#<seq>#<part>           all rows as of `seq`, packed; deleted by TTL    now and then, anybody
 */

export const PARTITION_KEY = 'PK';
export const SORT_KEY = 'SK';
/** A network's rows stand under this and its id: roles are limited to networks by it. */
export const NETWORK_PARTITIONS = 'net#';

/** Seconds since 1970. Stands on deltas and snapshots alone: no lease, config or record is ever deleted by time. */
export const TTL_ATTRIBUTE = 'ttl';

export const TABLE_SCHEMA = {
  partitionKey: { name: PARTITION_KEY, type: 'S' },
  sortKey: { name: SORT_KEY, type: 'S' },
  billingMode: 'PAY_PER_REQUEST',
  /** For one Lambda; nodes never read the stream (a shard serves two readers). */
  streamViewType: 'NEW_AND_OLD_IMAGES',
  ttlAttribute: TTL_ATTRIBUTE,
} as const;

/** What stands in a table name: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html */
export const TABLE_NAME_FORM = /^[A-Za-z0-9_.-]{3,255}$/;
