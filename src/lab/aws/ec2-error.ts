/** An error answer of the EC2 API. */
import { ApiError } from './api-error.ts';

/** HTTP status of the codes that do not have 400 (API reference, "Error codes"). */
const STATUSES: Readonly<Record<string, number>> = {
  AuthFailure: 401,
  SignatureDoesNotMatch: 403,
  UnauthorizedOperation: 403,
  DryRunOperation: 412,
  InternalError: 500,
  RequestLimitExceeded: 503,
  ServiceUnavailable: 503,
  Unavailable: 503,
};

export class Ec2Error extends ApiError {
  constructor(code: string, message: string, status = STATUSES[code] ?? 400) {
    super(code, message, status);
  }
}
