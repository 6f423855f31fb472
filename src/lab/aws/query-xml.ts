/** Answers of the services that speak AWS's plain query protocol: members by their own names, lists of `<member>`. EC2 has a form of its own (xml.ts). */
import type { ApiError } from './api-error.ts';
import { escapeXml, type Result } from './xml.ts';

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';

export function queryXml(namespace: string, action: string, requestId: string, result: Result): string {
  const inner = `<${action}Result>${content(result)}</${action}Result>`;
  const metadata = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;
  return `${HEAD}<${action}Response xmlns="${namespace}">${inner}${metadata}</${action}Response>`;
}

export function queryErrorXml(namespace: string, { code, message, status }: ApiError, requestId: string): string {
  const type = status >= 500 ? 'Receiver' : 'Sender';
  const error = `<Error><Type>${type}</Type><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error>`;
  return `${HEAD}<ErrorResponse xmlns="${namespace}">${error}<RequestId>${requestId}</RequestId></ErrorResponse>`;
}

function content(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => `<member>${content(item)}</member>`).join('');
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object' || value === null) return escapeXml(String(value));
  return Object.entries(value)
    .map(([key, member]: [string, unknown]) => (member === undefined ? '' : `<${key}>${content(member)}</${key}>`))
    .join('');
}
