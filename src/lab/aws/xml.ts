/**
 * Answers of the EC2 API. Handlers answer with the SDK's own types; on the wire members are written with a small first letter,
 * and lists under the name of their singular: `Routes` is `<routeSet><item>...</item></routeSet>`.
 */
export const XML = 'text/xml;charset=UTF-8';

export const NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';

/** Members whose wire name does not follow from their own (locationName in the service's model). */
const WIRE_NAMES: Readonly<Record<string, string>> = {
  Associations: 'associationSet',
  CurrentState: 'currentState',
  Groups: 'groupSet',
  Instances: 'instancesSet',
  NetworkInterfaces: 'networkInterfaceSet',
  PrivateIpAddresses: 'privateIpAddressesSet',
  PropagatingVgws: 'propagatingVgwSet',
  Reservations: 'reservationSet',
  RouteTables: 'routeTableSet',
  Routes: 'routeSet',
  SecurityGroups: 'groupSet',
  StartingInstances: 'instancesSet',
  StoppingInstances: 'instancesSet',
  Subnets: 'subnetSet',
  Tags: 'tagSet',
  TerminatingInstances: 'instancesSet',
  Vpcs: 'vpcSet',
};

/** A result of any action, as the SDK types it. */
export type Result = object;

export function answerXml(action: string, requestId: string, result: Result): string {
  const name = `${action}Response`;
  const head = `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="${NAMESPACE}">`;
  return `${head}<requestId>${requestId}</requestId>${members(result)}</${name}>`;
}

export function errorXml(code: string, message: string, requestId: string): string {
  const error = `<Error><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors>${error}</Errors><RequestID>${requestId}</RequestID></Response>`;
}

function members(value: object): string {
  return Object.entries(value)
    .map(([key, member]: [string, unknown]) => {
      if (member === undefined) return '';
      const name = wireName(key, member);
      return `<${name}>${content(member)}</${name}>`;
    })
    .join('');
}

function content(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => `<item>${content(item)}</item>`).join('');
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null) return members(value);
  return escapeXml(String(value));
}

function wireName(key: string, member: unknown): string {
  // An instance's state is a record, and the only State that is.
  if (key === 'State' && typeof member === 'object') return 'instanceState';
  return WIRE_NAMES[key] ?? key.charAt(0).toLowerCase() + key.slice(1);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

export const escapeXml = (text: string): string => text.replaceAll(/[&<>"']/g, (it) => ENTITIES[it] ?? it);
