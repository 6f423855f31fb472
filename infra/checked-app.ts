/** The app with the stack in it, whose synthesis fails on a finding of cdk-nag that nobody gave a reason for. */
import { App, Validations, type AppProps, type StackProps } from 'aws-cdk-lib';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Construct } from 'constructs';
import { WEFT_VERSION } from './node-user-data.ts';
import { readSettings } from './settings.ts';
import { WeftStack } from './weft-stack.ts';

export interface CheckedAppProps extends AppProps {
  /** For what a stack has besides its settings. */
  readonly stack?: (scope: Construct) => StackProps & { readonly code?: Code };
}

export function checkedApp({ stack, ...props }: CheckedAppProps = {}): { readonly app: App; readonly stack: WeftStack } {
  const app = new App(props);
  const settings = readSettings(app.node.getAllContext() as Readonly<Record<string, unknown>>, WEFT_VERSION);
  const made = new WeftStack(app, settings.stack, { ...stack?.(app), settings });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { app, stack: made };
}
