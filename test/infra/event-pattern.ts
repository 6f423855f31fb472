/**
 * Does an event match a filter, as Lambda and EventBridge decide it: each key of the pattern must be there with a value of its list
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html). Knows what our filters use: exact values and prefixes.
 */
export function matches(pattern: unknown, event: unknown): boolean {
  if (!isObject(pattern)) throw new Error(`no pattern: ${JSON.stringify(pattern)}`);
  return Object.entries(pattern).every(([key, wanted]) => {
    const found = isObject(event) ? event[key] : undefined;
    return Array.isArray(wanted) ? wanted.some((one) => matchesValue(one, found)) : matches(wanted, found);
  });
}

function matchesValue(wanted: unknown, found: unknown): boolean {
  if (!isObject(wanted)) return wanted === found;
  const { prefix, ...others } = wanted;
  if (typeof prefix !== 'string' || Object.keys(others).length > 0)
    throw new Error(`a comparison that this test does not know: ${JSON.stringify(wanted)}`);
  return typeof found === 'string' && found.startsWith(prefix);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
