import { WeftError } from '../../src/core/errors.ts';
import { FakeCloud } from '../fakes/fake-cloud.ts';
import { cloudInventoryContract, type CloudInventoryWorld } from './cloud-inventory.ts';
import { cloudNetworkContract, type CloudMachine, type CloudNetworkWorld } from './cloud-network.ts';

const TABLE = 'rtb-1';

function twoMachines(): { cloud: FakeCloud; refuse: (code: 'CLOUD_DENIED' | 'CLOUD_THROTTLED') => Promise<void> } {
  const cloud = new FakeCloud();
  cloud.addTable(TABLE, ['subnet-1']);
  for (const number of [1, 2]) cloud.addHost(`i-${number}`, `eni-${number}`, 'vpc-1', 'subnet-1');
  const refuse = async (code: 'CLOUD_DENIED' | 'CLOUD_THROTTLED'): Promise<void> => {
    cloud.before = (call) => {
      cloud.before = () => undefined;
      throw new WeftError(code, `${call} was refused`);
    };
  };
  return { cloud, refuse };
}

async function networkWorld(): Promise<CloudNetworkWorld> {
  const { cloud, refuse } = twoMachines();
  const machine = (number: number): CloudMachine => ({
    instance: `i-${number}`,
    target: `eni-${number}`,
    forwards: async () => cloud.interfaces.get(`eni-${number}`)?.forwards ?? false,
  });
  return {
    network: cloud.network('eni-1'),
    table: TABLE,
    machines: [machine(1), machine(2)],
    putForeign: async (destination, target) => void cloud.tables.get(TABLE)?.routes.set(destination, target),
    leaveRoom: async (routes) => {
      const table = cloud.tables.get(TABLE);
      if (table !== undefined) table.quota = table.routes.size + routes;
    },
    terminate: async (instance) => void cloud.instances.set(instance, 'terminated'),
    refuse,
    close: async () => undefined,
  };
}

async function inventoryWorld(): Promise<CloudInventoryWorld> {
  const { cloud, refuse } = twoMachines();
  cloud.instances.set('i-2', 'terminated');
  return {
    inventory: cloud.inventory(),
    running: { instance: 'i-1', target: 'eni-1' },
    terminated: 'i-2',
    table: TABLE,
    quota: 50,
    completed: async () => cloud.completed,
    refuse,
    close: async () => undefined,
  };
}

cloudNetworkContract('a fake cloud', networkWorld);
cloudInventoryContract('a fake cloud', inventoryWorld);
