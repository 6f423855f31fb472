/** Auto Scaling: the query form in, XML out; https://docs.aws.amazon.com/autoscaling/ec2/APIReference/ */
import { ApiError } from './api-error.ts';
import { Query } from './query.ts';
import { queryErrorXml, queryXml } from './query-xml.ts';
import { ACTIONS } from './scaling-actions.ts';
import type { Service } from './service.ts';
import type { SignatureTrouble } from './signature.ts';
import { XML } from './xml.ts';

const NAMESPACE = 'http://autoscaling.amazonaws.com/doc/2011-01-01/';

/** https://docs.aws.amazon.com/autoscaling/ec2/APIReference/CommonErrors.html */
const STATUSES: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  InvalidClientTokenId: 403,
  SignatureDoesNotMatch: 403,
  ExpiredToken: 403,
  InternalFailure: 500,
  ResourceContention: 500,
  ServiceUnavailable: 503,
};

const SIGNATURE_CODES: Readonly<Record<SignatureTrouble, string>> = {
  stranger: 'InvalidClientTokenId',
  mismatch: 'SignatureDoesNotMatch',
  late: 'SignatureDoesNotMatch',
  ended: 'ExpiredToken',
};

const refusal = (code: string, message: string): ApiError => new ApiError(code, message, STATUSES[code]);

export const SCALING: Service = {
  name: 'autoscaling',
  actions: ACTIONS,
  read: ({ body }) => Query.ofForm(body),
  succeed: (action, requestId, result) => ({ type: XML, text: queryXml(NAMESPACE, action, requestId, result) }),
  fail: (error, requestId) => ({ type: XML, text: queryErrorXml(NAMESPACE, error, requestId) }),
  refusals: {
    signature: (trouble, message) => refusal(SIGNATURE_CODES[trouble], message),
    unknown: (action) => refusal('InvalidAction', `Could not find operation ${action} for version 2011-01-01`),
    throttled: () => refusal('Throttling', 'Rate exceeded'),
    denied: (why) => refusal('AccessDenied', why),
    fault: refusal,
  },
};
