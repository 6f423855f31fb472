/** cdk-nag's rules are met, or it stands beside the construct why not (https://github.com/cdklabs/cdk-nag). */
import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { PolicyDocument } from './policy-document.ts';

/**
 * One finding a line: only what was looked at passes. CDK keeps the id of one that has no namespace with dashes in place of its spaces, which names of
 * groups may have, and cdk-nag does not find it there; with the namespace CDK itself leaves the finding out.
 */
export function acknowledge(construct: IConstruct, findings: Readonly<Record<string, string>>): void {
  for (const [finding, reason] of Object.entries(findings)) {
    const id = `AwsSolutions-${finding}`;
    Validations.of(construct).acknowledge({ id: id.includes(' ') ? `AwsSolutions::${id}` : id, reason });
  }
}

/** Why a statement (by its Sid) names resources with a `*`. A new one that does is a finding, until it has its reason here. */
const WILDCARDS: Readonly<Record<string, string>> = {
  SeeTheNetwork: 'Describe calls of EC2 know no resources; limited to the region',
  ReadQuotas: 'tells numbers of the account alone; limited to the region',
  ForwardForContainers:
    'the interfaces of machines that do not exist yet; limited to the VPCs, one attribute and one value',
  WriteRoutes: 'the tables of the VPCs, or those with the tag: which there are is found at run time',
  LetMachinesGo: 'the ARN of a group has an id inside that nobody knows beforehand; the name behind it is whole',
  FindTheStream: 'a stream has the time of its making as its name; limited to the table',
  Log: 'the streams of one log group',
  MakeInterfaces: 'the Lambda service puts the function into the VPC; which subnets and groups stands in the function',
  KeepInterfaces: 'the Lambda service asks for these, and none knows a resource beforehand; limited to the region',
};

export function acknowledgeWildcards(construct: IConstruct, ...documents: readonly PolicyDocument[]): void {
  const stack = Stack.of(construct);
  for (const { Sid, Resource } of documents.flatMap(({ Statement }) => Statement)) {
    const reason = WILDCARDS[Sid];
    if (reason === undefined) continue;
    const wild = Resource.map((resource) => flat(stack.resolve(resource))).filter((text) => text.includes('*'));
    acknowledge(construct, Object.fromEntries(wild.map((text) => [`IAM5[Resource::${text}]`, reason])));
  }
}

/** A reference as cdk-nag writes it in its findings: `<LogicalId.Attribute>`. */
function flat(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  if ('Fn::Join' in value && Array.isArray(value['Fn::Join'])) {
    const [delimiter, items] = value['Fn::Join'] as [string, readonly unknown[]];
    return items.map(flat).join(delimiter);
  }
  if ('Fn::GetAtt' in value && Array.isArray(value['Fn::GetAtt']))
    return `<${value['Fn::GetAtt'].map(flat).join('.')}>`;
  if ('Ref' in value) return `<${flat(value.Ref)}>`;
  return JSON.stringify(value);
}
