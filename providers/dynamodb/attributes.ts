/** Items as plain objects: strings, numbers, booleans and bytes are all that our rows hold. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

export type Plain = Readonly<Record<string, string | number | boolean | Uint8Array>>;

/** An attribute of another type (a list, a map, a set) is left out: who needs it finds it missing and says so. */
export function plainItem(item: Readonly<Record<string, AttributeValue>>): Plain {
  const plain: Record<string, string | number | boolean | Uint8Array> = {};
  for (const [name, value] of Object.entries(item)) {
    if (value.S !== undefined) plain[name] = value.S;
    else if (value.N !== undefined) plain[name] = Number(value.N);
    else if (value.BOOL !== undefined) plain[name] = value.BOOL;
    else if (value.B !== undefined) plain[name] = value.B;
  }
  return plain;
}

export function attributeValue(value: string | number | boolean | Uint8Array): AttributeValue {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  return typeof value === 'boolean' ? { BOOL: value } : { B: value };
}

export function attributeItem(plain: Plain): Record<string, AttributeValue> {
  return Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, attributeValue(value)]));
}
