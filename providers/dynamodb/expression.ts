/** Condition and update expressions, with every name behind a placeholder: half of DynamoDB's 570 reserved words are good attribute names. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { attributeValue } from './attributes.ts';
import { PARTITION_KEY } from './table.ts';

/** What must be so for a row to be written: nothing; no such row; these attributes have these values; or this number is absent or smaller. */
export type Condition =
  | 'none'
  | 'absent'
  | { readonly equal: Readonly<Record<string, string | number>> }
  | { readonly attribute: string; readonly below: number };

/** Attributes to set and numbers to add to. */
export interface Update {
  readonly set?: Readonly<Record<string, string | number>>;
  readonly add?: Readonly<Record<string, number>>;
}

/** The members of a command's input; those that would be empty are left out, as the API refuses them. */
export interface Expression {
  readonly ConditionExpression?: string;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
}

export function expression(condition: Condition, update: Update = {}): Expression {
  const names: Record<string, string> = {};
  const values: Record<string, AttributeValue> = {};
  let placeholders = 0;
  const name = (attribute: string): string => {
    const placeholder = `#n${placeholders++}`;
    names[placeholder] = attribute;
    return placeholder;
  };
  const value = (content: string | number): string => {
    const placeholder = `:v${placeholders++}`;
    values[placeholder] = attributeValue(content);
    return placeholder;
  };
  const conditionText = (): string | undefined => {
    if (condition === 'none') return undefined;
    if (condition === 'absent') return `attribute_not_exists(${name(PARTITION_KEY)})`;
    if ('below' in condition) {
      const attribute = name(condition.attribute);
      return `attribute_not_exists(${attribute}) OR ${attribute} < ${value(condition.below)}`;
    }
    return Object.entries(condition.equal)
      .map(([attribute, content]) => `${name(attribute)} = ${value(content)}`)
      .join(' AND ');
  };
  const clause = (word: string, parts: readonly string[]): string[] =>
    parts.length === 0 ? [] : [`${word} ${parts.join(', ')}`];
  const ConditionExpression = conditionText();
  const UpdateExpression = [
    ...clause(
      'SET',
      Object.entries(update.set ?? {}).map(([attribute, content]) => `${name(attribute)} = ${value(content)}`),
    ),
    ...clause(
      'ADD',
      Object.entries(update.add ?? {}).map(([attribute, by]) => `${name(attribute)} ${value(by)}`),
    ),
  ].join(' ');
  return {
    ...(ConditionExpression === undefined ? {} : { ConditionExpression }),
    ...(UpdateExpression === '' ? {} : { UpdateExpression }),
    ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
    ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
  };
}
