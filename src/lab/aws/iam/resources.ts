/** What each service's calls touch. */
import type { AwsState } from '../model.ts';
import type { ServiceName } from '../service.ts';
import { ec2Resources } from './ec2-resources.ts';
import type { Place } from './principal.ts';
import type { Resource } from './request.ts';

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
      return [groupOf(parameters, place)];
    // GetServiceQuota: no resource type in the reference that we could read; a role that names one is refused, as AWS may refuse it.
    case 'servicequotas':
    // Its requests are judged item by item: dynamodb-deeds.ts.
    case 'dynamodb':
      return [{ arn: '*', context: {} }];
  }
}

/** The middle of a group's ARN is an id of AWS's own: policies put `*` there. */
function groupOf(parameters: Parameters, { account, region }: Place): Resource {
  const group = parameters['AutoScalingGroupName'];
  if (group === undefined) return { arn: '*', context: {} };
  const id = `00000000-0000-4000-8000-${Buffer.from(group).toString('hex').padEnd(12, '0').slice(0, 12)}`;
  return {
    arn: `arn:aws:autoscaling:${region}:${account}:autoScalingGroup:${id}:autoScalingGroupName/${group}`,
    context: {},
  };
}
