/** Signature Version 4, looked at as AWS does: whose it is, whether it fits the request, and how old it is. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Credential, Credentials } from './credentials.ts';
import type { ApiError } from './api-error.ts';
import { Ec2Error } from './ec2-error.ts';

export interface SignedRequest {
  readonly method: string;
  /** Path and query, as they came. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Nobody's key; not made by that key for this request; too old or from the future; by a credential that has ended. */
export type SignatureTrouble = 'stranger' | 'mismatch' | 'late' | 'ended';

export interface SignatureRules {
  readonly credentials: Credentials;
  readonly region: string;
  readonly service: string;
  /** Milliseconds since 1970, by the account's clock. */
  readonly now: number;
  readonly windowMs: number;
  /** In the service's words; else in EC2's. */
  readonly refuse?: (trouble: SignatureTrouble, message: string) => ApiError;
}

const EC2_CODES = {
  stranger: 'AuthFailure',
  mismatch: 'SignatureDoesNotMatch',
  late: 'RequestExpired',
  ended: 'RequestExpired',
} as const satisfies Record<SignatureTrouble, string>;

export const asEc2 = (trouble: SignatureTrouble, message: string): ApiError =>
  new Ec2Error(EC2_CODES[trouble], message);

const FORM =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request,\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/;

/** @returns the credential that signed it. @throws ApiError */
export function verify(request: SignedRequest, rules: SignatureRules): Credential {
  const { refuse = asEc2 } = rules;
  const form = FORM.exec(request.headers.authorization ?? '');
  if (form === null) throw refuse('stranger', 'AWS was not able to validate the provided access credentials');
  const [, id = '', day = '', region = '', service = '', signedHeaders = '', signature = ''] = form;
  const credential = rules.credentials.find(id);
  if (credential === undefined || header(request, 'x-amz-security-token') !== (credential.token ?? '')) {
    throw refuse('stranger', 'AWS was not able to validate the provided access credentials');
  }
  const date = header(request, 'x-amz-date');
  const scope = `${day}/${region}/${service}/aws4_request`;
  if (region !== rules.region || service !== rules.service || !date.startsWith(day)) {
    throw refuse('mismatch', `Credential should be scoped to ${rules.region}/${rules.service}, not ${scope}`);
  }
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical(request, signedHeaders.split(';')))].join('\n');
  const key = ['aws4_request', service, region, day].reduceRight<Buffer | string>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${credential.secret}`,
  );
  const expected = createHmac('sha256', key).update(toSign).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) {
    throw refuse('mismatch', 'The request signature we calculated does not match the signature you provided.');
  }
  const signedAt = parseDate(date);
  if (Number.isNaN(signedAt) || Math.abs(rules.now - signedAt) > rules.windowMs) {
    throw refuse('late', `Request has expired: signed at ${date}`);
  }
  if (credential.expiresAt !== undefined && credential.expiresAt <= rules.now) {
    throw refuse('ended', 'Request has expired: the security token is no longer valid');
  }
  return credential;
}

/** "Create a canonical request", IAM user guide. */
function canonical(request: SignedRequest, signedHeaders: readonly string[]): string {
  const [path = '/', query = ''] = request.url.split('?');
  const pairs = [...new URLSearchParams(query)].map(([key, value]) => `${encode(key)}=${encode(value)}`);
  const headers = signedHeaders.map((name) => `${name}:${header(request, name).trim().replaceAll(/ +/g, ' ')}\n`);
  return [
    request.method,
    path,
    pairs.toSorted().join('&'),
    headers.join(''),
    signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n');
}

function header(request: SignedRequest, name: string): string {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}

/** RFC 3986, which leaves fewer characters alone than encodeURIComponent. */
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`);

/** Whose service a request is signed for, unproved; undefined when it does not say. */
export const serviceOf = ({ headers }: Pick<SignedRequest, 'headers'>): string | undefined =>
  FORM.exec(headers.authorization ?? '')?.[4];

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** 20260101T000000Z */
const parseDate = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
