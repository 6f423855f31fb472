/**
 * Does an event fit a pattern? As rules of EventBridge and filters of event sources have them, as far as we use them: a member of the pattern is a
 * list of which one must fit, a text that is equal or `{"prefix": "..."}`, or an object of members
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html).
 */
export interface EventPattern {
  readonly [member: string]: EventPattern | readonly (string | { readonly prefix: string })[];
}

export function fits(pattern: EventPattern, event: unknown): boolean {
  return Object.entries(pattern).every(([member, wanted]) => {
    const value = memberOf(event, member);
    if (!isChoice(wanted)) return fits(wanted, value);
    return wanted.some((choice) =>
      typeof choice === 'string' ? value === choice : typeof value === 'string' && value.startsWith(choice.prefix),
    );
  });
}

const isChoice = (wanted: EventPattern[string]): wanted is readonly (string | { readonly prefix: string })[] =>
  Array.isArray(wanted);

const memberOf = (value: unknown, member: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[member] : undefined;
