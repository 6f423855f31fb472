import { carriesByCommands } from './extension-clone.ts';

carriesByCommands(import.meta.url, {
  of: 'host-gw',
  store: 'dynamodb',
  backend: {
    SubnetAddCommand: 'ip route add "$SUBNET" via "$PUBLIC_IP"',
    SubnetRemoveCommand: 'ip route del "$SUBNET" via "$PUBLIC_IP"',
  },
  hosts: ['a1', 'a2'],
  shutsDown: false,
});
