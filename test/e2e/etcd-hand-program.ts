/** Runs on a host of the lab: does these deeds (etcd-hand.ts) in the etcd there, one after the other, by etcd's own JSON gateway, and prints what each came to. */
import type { EtcdDeed, EtcdEntry } from './etcd-hand.ts';

const [url = '', deeds = '[]'] = process.argv.slice(2);

const base64 = (text: string): string => Buffer.from(text).toString('base64');
/** etcd's way to say "all that begin so": up to the text whose last byte is one more. */
const behind = (prefix: string): string =>
  `${prefix.slice(0, -1)}${String.fromCodePoint((prefix.codePointAt(prefix.length - 1) ?? 0) + 1)}`;

interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly create_revision: string;
  readonly mod_revision: string;
  readonly lease?: string;
}

async function call(path: string, body: object): Promise<unknown> {
  const answer = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return await answer.json();
}

const grant = async (seconds: number): Promise<string> =>
  ((await call('/v3/lease/grant', { TTL: String(seconds) })) as { readonly ID: string }).ID;

async function entry({ key, value = '', create_revision, mod_revision, lease }: KeyValue): Promise<EtcdEntry> {
  const text = (encoded: string): string => Buffer.from(encoded, 'base64').toString('utf8');
  const granted =
    lease === undefined
      ? undefined
      : Number(
          ((await call('/v3/lease/timetolive', { ID: lease })) as { readonly grantedTTL?: string }).grantedTTL ?? 0,
        );
  return {
    key: text(key),
    value: text(value),
    created: Number(create_revision),
    modified: Number(mod_revision),
    ...(granted === undefined ? {} : { grantedSeconds: granted }),
  };
}

async function done(deed: EtcdDeed): Promise<unknown> {
  switch (deed.op) {
    case 'put': {
      const lease = deed.seconds === undefined ? {} : { lease: await grant(deed.seconds) };
      await call('/v3/kv/put', { key: base64(deed.key), value: base64(deed.value), ...lease });
      return true;
    }
    case 'create': {
      const request = { key: base64(deed.key), value: base64(deed.value), lease: await grant(deed.seconds) };
      const { succeeded = false } = (await call('/v3/kv/txn', {
        compare: [{ key: base64(deed.key), target: 'VERSION', result: 'EQUAL', version: '0' }],
        success: [{ requestPut: request }],
      })) as { readonly succeeded?: boolean };
      return succeeded;
    }
    case 'delete':
      await call('/v3/kv/deleterange', { key: base64(deed.key) });
      return true;
    case 'list': {
      const range = { key: base64(deed.prefix), range_end: base64(behind(deed.prefix)) };
      const { kvs = [] } = (await call('/v3/kv/range', range)) as { readonly kvs?: readonly KeyValue[] };
      return await Promise.all(kvs.map(entry));
    }
  }
}

const results: unknown[] = [];
for (const deed of JSON.parse(deeds) as readonly EtcdDeed[]) results.push(await done(deed));
console.log(JSON.stringify(results));
