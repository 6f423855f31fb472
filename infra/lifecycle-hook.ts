/** The name under which a group's hook is made and its actions are completed. */
import { Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { DEFAULT_LIFECYCLE_HOOK, isLifecycleHook } from '../src/core/lifecycle-hook.ts';

export function hookName({ node }: Construct, hook = DEFAULT_LIFECYCLE_HOOK): string {
  if (Token.isUnresolved(hook) || isLifecycleHook(hook)) return hook;
  throw new Error(
    `${node.path}: "hook" is "${hook}": expected 1 to 255 letters, digits, dashes, underscores or slashes`,
  );
}
