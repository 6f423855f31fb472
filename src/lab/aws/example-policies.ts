/** The policies that are shipped as examples, for the account of a lab: what hosts may do there is what they may do at home. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ACCOUNT } from './cloud.ts';

export type ExamplePolicy =
  | 'node-policy.json'
  | 'node-policy-without-routes.json'
  | 'operator-policy.json'
  | 'reconciler-policy.json';

const EXAMPLE = { account: '111122223333', region: 'eu-central-1', vpc: 'vpc-0123456789abcdef0' };

export interface PolicyPlace {
  readonly region: string;
  /** VPC id. */
  readonly vpc: string;
}

/** @param executable the bundle, beside whose folder the examples lie. Table and network are the lab's own: `weft` and `default`. */
export function examplePolicy(executable: string, file: ExamplePolicy, { region, vpc }: PolicyPlace): unknown {
  const text = readFileSync(path.resolve(path.dirname(executable), '../examples/aws', file), 'utf8');
  return JSON.parse(
    text.replaceAll(EXAMPLE.account, ACCOUNT).replaceAll(EXAMPLE.region, region).replaceAll(EXAMPLE.vpc, vpc),
  );
}
