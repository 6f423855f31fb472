/** Runs on a host of the lab: prints what stands in an etcd below a store's prefix, and when it was written last.   node etcd-keys-program.js STORE_URL */
import { Etcd3 } from 'etcd3';
import { parseUrl } from '../../providers/etcd/url.ts';

const { endpoints, prefix } = parseUrl(process.argv[2] ?? '');
const etcd = new Etcd3({ hosts: endpoints.map((endpoint) => `http://${endpoint}`) });
const { header, kvs } = await etcd.getAll().prefix(`${prefix}/`).exec();
const keys = kvs.map(({ key, mod_revision: modified }) => [key.toString().slice(prefix.length + 1), Number(modified)]);
process.stdout.write(JSON.stringify({ revision: Number(header.revision), keys }));
etcd.close();
