/** Signature Version 4, looked at as AWS does: whose it is, whether it fits the request, and how old it is. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Credential, Credentials } from './credentials.ts';
import { Ec2Error } from './ec2-error.ts';

export interface SignedRequest {
  readonly method: string;
  /** Path and query, as they came. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface SignatureRules {
  readonly credentials: Credentials;
  readonly region: string;
  readonly service: string;
  /** Milliseconds since 1970, by the account's clock. */
  readonly now: number;
  readonly windowMs: number;
}

const FORM =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request,\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/;

/** @returns the credential that signed it. @throws Ec2Error AuthFailure, RequestExpired or SignatureDoesNotMatch */
export function verify(request: SignedRequest, rules: SignatureRules): Credential {
  const form = FORM.exec(request.headers.authorization ?? '');
  if (form === null) throw new Ec2Error('AuthFailure', 'AWS was not able to validate the provided access credentials');
  const [, id = '', day = '', region = '', service = '', signedHeaders = '', signature = ''] = form;
  const credential = rules.credentials.find(id);
  if (credential === undefined || header(request, 'x-amz-security-token') !== (credential.token ?? '')) {
    throw new Ec2Error('AuthFailure', 'AWS was not able to validate the provided access credentials');
  }
  const date = header(request, 'x-amz-date');
  const scope = `${day}/${region}/${service}/aws4_request`;
  if (region !== rules.region || service !== rules.service || !date.startsWith(day)) {
    throw new Ec2Error(
      'SignatureDoesNotMatch',
      `Credential should be scoped to ${rules.region}/${rules.service}, not ${scope}`,
    );
  }
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical(request, signedHeaders.split(';')))].join('\n');
  const key = ['aws4_request', service, region, day].reduceRight<Buffer | string>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${credential.secret}`,
  );
  const expected = createHmac('sha256', key).update(toSign).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) {
    throw new Ec2Error(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided.',
    );
  }
  const signedAt = parseDate(date);
  if (Number.isNaN(signedAt) || Math.abs(rules.now - signedAt) > rules.windowMs) {
    throw new Ec2Error('RequestExpired', `Request has expired: signed at ${date}`);
  }
  if (credential.expiresAt !== undefined && credential.expiresAt <= rules.now) {
    throw new Ec2Error('RequestExpired', 'Request has expired: the security token is no longer valid');
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

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** 20260101T000000Z */
const parseDate = (text: string): number =>
  Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
