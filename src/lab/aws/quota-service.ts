/** Service Quotas: JSON in and out (awsJson 1.1), https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/ */
import type { GetServiceQuotaResponse } from '@aws-sdk/client-service-quotas';
import { ApiError } from './api-error.ts';
import { ACCOUNT, type EmulatedAws } from './cloud.ts';
import { asRecord } from './http-body.ts';
import { Query } from './query.ts';
import type { Service } from './service.ts';
import type { SignatureTrouble, SignedRequest } from './signature.ts';

const JSON_1_1 = 'application/x-amz-json-1.1';
const TARGET = 'ServiceQuotasV20190624.';

/** Common errors of AWS's JSON services. */
const SIGNATURE_CODES: Readonly<Record<SignatureTrouble, string>> = {
  stranger: 'UnrecognizedClientException',
  mismatch: 'InvalidSignatureException',
  late: 'InvalidSignatureException',
  ended: 'ExpiredTokenException',
};

const STATUSES: Readonly<Record<string, number>> = { ServiceException: 500, InternalFailure: 500 };

export const QUOTAS: Service = {
  name: 'servicequotas',
  actions: { GetServiceQuota: { mutating: false, bucket: () => 'quota', run: getServiceQuota } },
  read,
  succeed: (_action, _requestId, result) => ({ type: JSON_1_1, text: JSON.stringify(result) }),
  fail: ({ code, message }) => ({ type: JSON_1_1, text: JSON.stringify({ __type: code, Message: message }) }),
  refusals: {
    signature: (trouble, message) => new ApiError(SIGNATURE_CODES[trouble], message),
    unknown: (action) => new ApiError('UnknownOperationException', `There is no ${action} here.`),
    throttled: () => new ApiError('TooManyRequestsException', 'Rate exceeded'),
    denied: (why) => new ApiError('AccessDeniedException', why),
    fault: (code, message) => new ApiError(code, message, STATUSES[code]),
  },
};

function read({ headers, body }: SignedRequest): Query {
  const target = headers['x-amz-target'];
  const action = typeof target === 'string' ? target.replace(TARGET, '') : '';
  try {
    const fields = Object.entries(asRecord(JSON.parse(body === '' ? '{}' : body)));
    return new Query(action, new Map(fields.map(([key, value]) => [key, String(value)])));
  } catch {
    throw new ApiError('SerializationException', 'the request is no JSON object');
  }
}

/** The one quota of this account: how many static routes a table may hold. It is the account's; a resource of its own (ContextId) it does not have. */
function getServiceQuota(cloud: EmulatedAws, query: Query): GetServiceQuotaResponse {
  const [service, code] = [query.text('ServiceCode'), query.text('QuotaCode')];
  if (service !== 'vpc' || code !== 'L-93826ACB' || query.text('ContextId') !== undefined) {
    throw new ApiError(
      'NoSuchResourceException',
      `The request failed because the specified service quota does not exist: ${service} ${code}.`,
    );
  }
  return {
    Quota: {
      ServiceCode: service,
      ServiceName: 'Amazon Virtual Private Cloud (Amazon VPC)',
      QuotaArn: `arn:aws:servicequotas:${cloud.region}:${ACCOUNT}:vpc/${code}`,
      QuotaCode: code,
      QuotaName: 'Routes per route table',
      Value: cloud.settings.routeQuota,
      Unit: 'None',
      Adjustable: true,
      GlobalQuota: false,
      QuotaAppliedAtLevel: 'ACCOUNT',
    },
  };
}
