/** What each service's calls touch. */
import type { AwsState } from '../model.ts';
import { arnOf, groupOf } from '../scaling.ts';
import type { ServiceName } from '../service.ts';
import { ec2Resources } from './ec2-resources.ts';
import type { Place } from './principal.ts';
import type { Resource } from './request.ts';

/** The action knows no resources. */
const NONE: readonly Resource[] = [{ arn: '*', context: {} }];

type Parameters = Readonly<Record<string, string>>;

export function resourcesOf(
  service: ServiceName,
  action: string,
  parameters: Parameters,
  state: AwsState,
  place: Place,
): readonly Resource[] {
  switch (service) {
    case 'ec2':
      return ec2Resources(action, parameters, state, place);
    case 'autoscaling':
      return action.startsWith('Describe') ? NONE : groupsNamed(parameters, state, place);
    // GetServiceQuota: no resource type in the reference that we could read; a role that names one is refused, as AWS may refuse it.
    case 'servicequotas':
    // Its requests are judged item by item: dynamodb-deeds.ts.
    case 'dynamodb':
      return NONE;
  }
}

/** By name, or by the machine that shall go. Describe calls know no resources. */
function groupsNamed(parameters: Parameters, state: AwsState, place: Place): readonly Resource[] {
  const { AutoScalingGroupName: name, InstanceId: instance } = parameters;
  const group = state.scaling.get(name ?? '') ?? groupOf(state, instance ?? '');
  if (group === undefined && name === undefined) return NONE;
  const found = group ?? { name: name ?? '', id: 'unknown' };
  const tags = [...(state.tags.get(found.id) ?? [])].flatMap(([key, value]) => [
    [`aws:ResourceTag/${key}`, value],
    [`autoscaling:ResourceTag/${key}`, value],
  ]);
  return [{ arn: arnOf(place, found), context: Object.fromEntries(tags) }];
}
