/** The policies that ship as examples, for this account instead of the one that they name. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { planned } from './account.ts';
import { ACCOUNT } from './cloud.ts';

export type ExamplePolicy = 'node-policy' | 'node-policy-without-routes' | 'reconciler-policy';

/** As examples/aws has them. */
const THEIRS = { account: '111122223333', vpc: 'vpc-0123456789abcdef0' };

/** @param executable the bundle: examples lie beside its folder, in a checkout and in the package. @param vpc its name */
export function examplePolicy(executable: string, name: ExamplePolicy, vpc: string): unknown {
  const file = path.resolve(path.dirname(executable), '../examples/aws', `${name}.json`);
  const text = readFileSync(file, 'utf8').replaceAll(THEIRS.account, ACCOUNT).replaceAll(THEIRS.vpc, planned.vpc(vpc));
  return JSON.parse(text) as unknown;
}
