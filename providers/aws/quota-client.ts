/** Service Quotas as narrow as we use it. */
import {
  GetServiceQuotaCommand,
  ServiceQuotasClient,
  type GetServiceQuotaRequest,
  type GetServiceQuotaResponse,
} from '@aws-sdk/client-service-quotas';
import type { QuotaCall } from './calls.ts';
import { clientConfig, quietly, within, type SdkConnection, type SdkOptions } from './sdk.ts';

export interface QuotaApi extends Record<QuotaCall, unknown> {
  GetServiceQuota(input: GetServiceQuotaRequest, signal: AbortSignal): Promise<GetServiceQuotaResponse>;
}

export function connectQuotas(options: SdkOptions): SdkConnection<QuotaApi, ServiceQuotasClient> {
  const client = quietly(() => new ServiceQuotasClient(clientConfig(options)));
  const api: QuotaApi = {
    GetServiceQuota: (input, signal) => client.send(new GetServiceQuotaCommand(input), within(signal)),
  };
  return { api, client, close: () => client.destroy() };
}
