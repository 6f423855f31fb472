/** A variable of the environment for the time of some work: for libraries that can be told a thing in no other way. */
export function withVariable<T>(
  environment: Record<string, string | undefined>,
  name: string,
  value: string,
  work: () => T,
): T {
  const before = environment[name];
  environment[name] = value;
  try {
    return work();
  } finally {
    if (before === undefined) delete environment[name];
    else environment[name] = before;
  }
}
