import { parseAddress } from '../../src/core/address.ts';
import { WeftError } from '../../src/core/errors.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { FakeCloud, MUTATING } from '../fakes/fake-cloud.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { cloudNetworkContract } from './cloud-network.ts';
import { cloudInventoryContract, type CloudInventoryWorld } from './cloud-inventory.ts';
import type { CloudWorld } from './cloud-world.ts';

async function fakeWorld(): Promise<CloudWorld> {
  const clock = new ManualClock();
  const fake = new FakeCloud(clock);
  const [address, network, table, main, target, subnet] = [
    parseAddress('10.0.1.11'),
    'vpc-1',
    'rtb-a',
    'rtb-main',
    'eni-1',
    'subnet-a',
  ];
  fake.addTable(table, { subnets: [subnet] });
  fake.addTable(main, { main: true });
  fake.selves.set(address, {
    instance: 'i-1',
    region: 'r',
    identity: { provider: 'aws', network, subnet, target },
    networkRanges: [parseSubnet('10.0.0.0/16')],
  });
  let [refusals, code, lost]: [number, Parameters<CloudWorld['refuse']>[0], number] = [0, 'CLOUD_DENIED', 0];
  fake.before = (call) => {
    if (MUTATING.has(call) && refusals-- > 0) throw new WeftError(code, 'refused');
  };
  fake.after = (call) => {
    if (MUTATING.has(call) && lost-- > 0) throw new WeftError('CLOUD_UNREACHABLE', 'the answer is lost');
  };
  return {
    cloud: fake.open(),
    clock,
    network,
    address,
    target,
    subnet,
    other: 'eni-2',
    table,
    main,
    foreign: async (id, destination, to) => fake.foreign(id, destination, to),
    text: () => fake.text,
    mutations: () => fake.mutations.length,
    quota: async (id, more) => {
      const found = fake.tables.get(id);
      if (found !== undefined) found.quota = found.routes.size + more;
    },
    refuse: (wanted, times) => {
      code = wanted;
      refusals = times;
    },
    loseAnswers: (times) => {
      lost = times;
    },
    close: async () => undefined,
  };
}

cloudNetworkContract('the fake cloud', fakeWorld);

async function inventoryWorld(): Promise<CloudInventoryWorld> {
  const fake = new FakeCloud(new ManualClock());
  fake.addTable('rtb-a', { subnets: ['subnet-a'], quota: 1000 });
  fake.machines.start({ instance: 'i-1', target: 'eni-1', subnet: 'subnet-a' });
  fake.machines.start({ instance: 'i-2', target: 'eni-2', subnet: 'subnet-a' });
  fake.machines.turn('i-2', 'terminated');
  return {
    inventory: fake.openInventory(),
    running: { instance: 'i-1', target: 'eni-1' },
    terminated: 'i-2',
    table: 'rtb-a',
    quota: 1000,
    later: async () => undefined,
    leaving: async () => ({ group: 'nodes', hook: 'drain', instance: 'i-1', token: 'token-1' }),
    completed: async () => fake.completed.map(({ instance, token }) => `${instance} ${token}`),
    refuse: async (code) => {
      fake.before = () => {
        throw new WeftError(code, 'refused');
      };
    },
    close: async () => undefined,
  };
}

cloudInventoryContract('the fake cloud', inventoryWorld);
