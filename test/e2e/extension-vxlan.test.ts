import { carriesByCommands } from './extension-clone.ts';

const BASE = "export SUBNET_IP=$(echo $SUBNET | cut -d'/' -f 1)";

carriesByCommands(import.meta.url, {
  of: 'vxlan',
  store: 'etcd',
  backend: {
    MTU: 1450,
    PreStartupCommand:
      'ip link add flannel-vxlan type vxlan id 1 dev eth0 dstport 8472 nolearning && ip -o link show dev flannel-vxlan | sed -e "s/.*ether //" -e "s/ .*//"',
    PostStartupCommand: `${BASE}; ip addr add "$SUBNET_IP"/32 dev flannel-vxlan && ip link set dev flannel-vxlan up`,
    ShutdownCommand: 'ip link del flannel-vxlan',
    SubnetAddCommand: `${BASE}; read VTEP; ip route add "$SUBNET" nexthop via "$SUBNET_IP" dev flannel-vxlan onlink && ip neigh add "$SUBNET_IP" lladdr "$VTEP" dev flannel-vxlan nud permanent && bridge fdb add "$VTEP" dev flannel-vxlan self dst "$PUBLIC_IP"`,
    SubnetRemoveCommand: `${BASE}; read VTEP; ip route del "$SUBNET" nexthop via "$SUBNET_IP" dev flannel-vxlan onlink && ip neigh del "$SUBNET_IP" lladdr "$VTEP" dev flannel-vxlan && bridge fdb del "$VTEP" dev flannel-vxlan self dst "$PUBLIC_IP"`,
  },
  hosts: ['a1', 'b1'],
  shutsDown: true,
});
