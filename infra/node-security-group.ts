/** What nodes let in from each other (docs/operating.md, "On AWS"). */
import { Peer, Port, SecurityGroup, type IVpc } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';

/** The defaults of the network config. Where it says others, add them to the group. */
const VXLAN_PORT = 8472;
const UDP_PORT = 8285;

export function nodeSecurityGroup(scope: Construct, vpc: IVpc, containerNetwork: string): SecurityGroup {
  const group = new SecurityGroup(scope, 'SecurityGroup', {
    vpc,
    description: 'Weft: nodes among each other, and their containers',
    allowAllOutbound: true,
  });
  group.addIngressRule(group, Port.udp(VXLAN_PORT), 'vxlan');
  group.addIngressRule(group, Port.udp(UDP_PORT), 'the user-space tunnel');
  group.addIngressRule(group, Port.allIcmp(), 'path MTU, and echo');
  // A rule that names a group lets in the addresses of its interfaces alone, and these are containers'. Probes (UDP 8286) are among them.
  group.addIngressRule(Peer.ipv4(containerNetwork), Port.allTraffic(), 'containers, and probes between their ranges');
  return group;
}
