/** The ledger in the store that the environment names, run on a host of the lab: how many rows it has; with `lose` they go. */
import { openDynamoStore } from '../../providers/dynamodb/open-store.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

const signal = new AbortController().signal;
const { FLANNELD_STORE: url = '' } = process.env;
const { records, close } = openDynamoStore(url, { clock: new SystemClock(), random: new SeededRandom(1) });
const { records: rows } = await records.list('ledger', signal);
if (process.argv[2] === 'lose') for (const key of rows.keys()) await records.remove('ledger', key, undefined, signal);
console.log(String(rows.size));
close();
