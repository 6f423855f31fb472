/** One of AWS's services: which calls it knows, how they are read off the wire, and how answers are put on it. */
import type { ApiError } from './api-error.ts';
import type { EmulatedAws } from './cloud.ts';
import type { Query } from './query.ts';
import type { SignatureTrouble, SignedRequest } from './signature.ts';
import type { BucketClass } from './throttle.ts';
import type { Result } from './xml.ts';

/** As a signature's scope and a policy's actions name it. */
export type ServiceName = 'ec2' | 'autoscaling' | 'servicequotas' | 'dynamodb';

export interface Action {
  readonly mutating: boolean;
  bucket(query: Query): BucketClass;
  run(cloud: EmulatedAws, query: Query): Result;
}

export interface Content {
  readonly type: string;
  readonly text: string;
}

export interface Service {
  readonly name: ServiceName;
  readonly actions: Readonly<Record<string, Action>>;
  /** @throws ApiError when it cannot be read */
  read(request: SignedRequest): Query;
  succeed(action: string, requestId: string, result: Result): Content;
  fail(error: ApiError, requestId: string): Content;
  /** What each service calls in its own way. */
  readonly refusals: {
    signature(trouble: SignatureTrouble, message: string): ApiError;
    unknown(action: string): ApiError;
    throttled(action: string): ApiError;
    /** @param why names who may not do what to which resource, and for lack of what */
    denied(why: string): ApiError;
    /** An error of a fault that names no status of its own. */
    fault(code: string, message: string): ApiError;
  };
}
