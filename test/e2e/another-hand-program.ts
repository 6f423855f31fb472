/** Runs on a host of the lab: does one deed (another-hand.ts) to a store.   node another-hand-program.js STORE_URL DEED */
import type { Deed } from './another-hand.ts';
import { doInDynamoDB } from './hand-in-dynamodb.ts';
import { doInEtcd } from './hand-in-etcd.ts';

const [url = '', deed = ''] = process.argv.slice(2);
await (url.startsWith('etcd:') ? doInEtcd : doInDynamoDB)(url, JSON.parse(deed) as Deed);
