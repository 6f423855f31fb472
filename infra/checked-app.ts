/** The app with the stack in it, whose synthesis fails on a finding of cdk-nag that nobody gave a reason for. */
import { App, Validations, type AppProps } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { WEFT_VERSION } from './node-user-data.ts';
import { readSettings } from './settings.ts';
import { WeftStack, type WeftStackProps } from './weft-stack.ts';

export interface CheckedAppProps extends AppProps {
  readonly code?: WeftStackProps['code'];
}

export function checkedApp({ code, ...props }: CheckedAppProps = {}): { readonly app: App; readonly stack: WeftStack } {
  const app = new App(props);
  const settings = readSettings(app.node.getAllContext() as Readonly<Record<string, unknown>>, WEFT_VERSION);
  const stack = new WeftStack(app, settings.stack, { settings, ...(code === undefined ? {} : { code }) });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { app, stack };
}
