/** Tags of anything, by its id. */
import type { Tag } from '@aws-sdk/client-ec2';
import { having, type AwsState } from './model.ts';

export function tagsOf(state: AwsState, id: string): Tag[] {
  return [...(state.tags.get(id) ?? [])].map(([Key, Value]) => ({ Key, Value }));
}

export function putTags(
  state: AwsState,
  ids: readonly string[],
  tags: readonly (readonly [string, string])[],
): AwsState {
  return ids.reduce((next, id) => {
    const own = new Map([...(next.tags.get(id) ?? []), ...tags]);
    return { ...next, tags: having(next.tags, id, own) };
  }, state);
}
