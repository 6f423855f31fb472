/**
 * The stack as plain CloudFormation, for people without CDK (`npm run synth`): where the function's code lies is a parameter, nothing is taken from
 * a bootstrap stack.
 *
 *   node dist/infra/plain.mjs [-c weft:NAME=VALUE]...
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CfnParameter, DefaultStackSynthesizer } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { checkedApp } from './checked-app.ts';

/** Its type alone differs: CDK's own may be undefined where its interface does not say so, which strict compilers refuse. */
class NoBootstrap extends DefaultStackSynthesizer {
  override get bootstrapQualifier(): string {
    return super.bootstrapQualifier ?? '';
  }

  override get lookupRole(): string {
    return super.lookupRole ?? '';
  }
}

/** Feature flags, and whatever else stands there. */
function contextOf(words: readonly string[]): Record<string, unknown> {
  const file = fileURLToPath(new URL('../../cdk.json', import.meta.url));
  const { context } = JSON.parse(readFileSync(file, 'utf8')) as { readonly context: Record<string, unknown> };
  const given = { ...context };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(rest.shift() ?? '') ?? [];
    if ((word !== '-c' && word !== '--context') || name === undefined)
      throw new Error(`"${word}": expected -c weft:NAME=VALUE`);
    given[name] = value;
  }
  return given;
}

function plainTemplate(context: Record<string, unknown>): string {
  const outdir = mkdtempSync(path.join(os.tmpdir(), 'weft-synth-'));
  try {
    const { app, stack } = checkedApp({
      context,
      outdir,
      analyticsReporting: false,
      stack: (scope) => ({
        synthesizer: new NoBootstrap({ generateBootstrapVersionRule: false }),
        code: Code.fromCfnParameters(),
      }),
    });
    const { template } = app.synth().getStackByName(stack.stackName);
    return `${JSON.stringify(template, undefined, 2)}\n`;
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

try {
  process.stdout.write(plainTemplate(contextOf(process.argv.slice(2))));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
