/** A synthesised stack as plain text values: references become `<LogicalId>` and `<LogicalId.Attribute>`, so that facts can be compared. */
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';
export const VPC = 'vpc-0123456789abcdef0';
export const TABLE_ARN = `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/weft`;
export const STREAM_ARN = `${TABLE_ARN}/stream/2026-01-01T00:00:00.000`;

/** The function's code is of no matter for what is asked here. */
export const NO_CODE = Code.fromInline('exports.handler = () => {}');

export const flags = (): Record<string, unknown> =>
  (JSON.parse(readFileSync('cdk.json', 'utf8')) as { readonly context: Record<string, unknown> }).context;

export interface Resource {
  readonly id: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly deletionPolicy: unknown;
}

/** Builds a stack with these constructs in it and returns what CloudFormation would be given. */
export function resourcesOf(build: (stack: Stack) => void): readonly Resource[] {
  return inScratch((outdir) => {
    const stack = new Stack(new App({ context: flags(), analyticsReporting: false, outdir }), 'Test', {
      env: { account: ACCOUNT, region: REGION },
    });
    build(stack);
    // CDK's own check of templates costs each process 1.6 s. What synth.test.ts synthesises goes through it.
    process.env['CDK_VALIDATION'] = 'false';
    try {
      return readTemplate(Template.fromStack(stack).toJSON());
    } finally {
      delete process.env['CDK_VALIDATION'];
    }
  });
}

export function inScratch<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weft-infra-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function readTemplate(template: Readonly<Record<string, unknown>>): readonly Resource[] {
  const resources = template['Resources'] as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  return Object.entries(resources).map(([id, { Type, Properties = {}, DeletionPolicy }]) => ({
    id,
    type: String(Type),
    properties: plain(Properties) as Readonly<Record<string, unknown>>,
    deletionPolicy: DeletionPolicy,
  }));
}

export function only(resources: readonly Resource[], type: string): Resource {
  const found = resources.filter((resource) => resource.type === type);
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`${found.length} of ${type}, expected one`);
  return first;
}

export const all = (resources: readonly Resource[], type: string): readonly Resource[] =>
  resources.filter((resource) => resource.type === type);

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [[name, inner] = ['', undefined]] = entries;
  if (entries.length === 1) {
    if (name === 'Ref') return inner === 'AWS::Partition' ? 'aws' : `<${String(inner)}>`;
    if (name === 'Fn::GetAtt') return `<${(inner as readonly string[]).join('.')}>`;
    if (name === 'Fn::Base64') return plain(inner);
    if (name === 'Fn::Join') {
      const [delimiter, items] = inner as readonly [string, readonly unknown[]];
      return items.map(plain).join(delimiter);
    }
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, plain(item)]));
}

/** CDK writes a list of one as that one; the policies as they were generated do not. */
export function statementsOf(document: unknown): readonly Readonly<Record<string, unknown>>[] {
  const { Statement } = document as { readonly Statement: readonly Readonly<Record<string, unknown>>[] };
  return Statement.map((statement) => ({
    ...statement,
    Action: [statement['Action']].flat(),
    Resource: [statement['Resource']].flat(),
  }));
}
