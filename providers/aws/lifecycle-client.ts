/** Auto Scaling as narrow as we use it. */
import {
  AutoScalingClient,
  CompleteLifecycleActionCommand,
  type CompleteLifecycleActionType,
} from '@aws-sdk/client-auto-scaling';
import type { LifecycleCall } from './calls.ts';
import { clientConfig, quietly, within, type SdkConnection, type SdkOptions } from './sdk.ts';

export interface LifecycleApi extends Record<LifecycleCall, unknown> {
  CompleteLifecycleAction(input: CompleteLifecycleActionType, signal: AbortSignal): Promise<unknown>;
}

export function connectLifecycle(options: SdkOptions): SdkConnection<LifecycleApi, AutoScalingClient> {
  const client = quietly(() => new AutoScalingClient(clientConfig(options)));
  const api: LifecycleApi = {
    CompleteLifecycleAction: (input, signal) => client.send(new CompleteLifecycleActionCommand(input), within(signal)),
  };
  return { api, client, close: () => client.destroy() };
}
