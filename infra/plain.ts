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
import { CfnParameter } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { checkedApp } from './checked-app.ts';

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

/** A new bundle under the same key is none to CloudFormation: its name should have the version in it. */
const codeInBucket = (scope: Construct): Code =>
  Code.fromCfnParameters({
    bucketNameParam: new CfnParameter(scope, 'CodeBucket', {
      description: 'An S3 bucket in this region, in which the packed dist/lambda lies',
    }),
    objectKeyParam: new CfnParameter(scope, 'CodeKey', {
      description: 'Its key there, another one for each version: weft/lambda-0.1.0.zip',
    }),
  });

interface Template {
  readonly Parameters: Readonly<Record<string, unknown>>;
  readonly Rules: Readonly<Record<string, unknown>>;
}

/** The check that the account was bootstrapped. (The synthesiser that leaves it out has a type that strict compilers refuse.) */
function withoutBootstrap({ Parameters, Rules, ...template }: Template): object {
  const { BootstrapVersion: _, ...parameters } = Parameters;
  const { CheckBootstrapVersion: __, ...rules } = Rules;
  return { ...template, Parameters: parameters, ...(Object.keys(rules).length === 0 ? {} : { Rules: rules }) };
}

function plainTemplate(context: Record<string, unknown>): string {
  const outdir = mkdtempSync(path.join(os.tmpdir(), 'weft-synth-'));
  try {
    const { app, stack } = checkedApp({
      context,
      outdir,
      analyticsReporting: false,
      code: codeInBucket,
    });
    const { template } = app.synth().getStackByName(stack.stackName) as { readonly template: Template };
    return `${JSON.stringify(withoutBootstrap(template), undefined, 2)}\n`;
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
