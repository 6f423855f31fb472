/** An account to begin with: a VPC of two subnets with a route table each, two instances, and somebody who may do everything. */
export const DEFAULT_PLAN = {
  region: 'eu-central-1',
  vpcs: [
    {
      name: 'lab',
      ranges: ['10.0.0.0/16'],
      tables: [
        { name: 'main' },
        { name: 'table-a', internet: 'igw', tags: { 'weft:managed': 'true' } },
        { name: 'table-b' },
      ],
      subnets: [
        { name: 'a', range: '10.0.1.0/24', zone: 'eu-central-1a', table: 'table-a' },
        { name: 'b', range: '10.0.2.0/24', zone: 'eu-central-1b', table: 'table-b' },
      ],
      groups: [{ name: 'nodes', ingress: [{ peer: 'nodes' }, { peer: '10.42.0.0/16' }] }],
      instances: [
        {
          name: 'a1',
          subnet: 'a',
          address: '10.0.1.11',
          groups: ['nodes'],
          role: 'node',
          tags: { 'weft:node': 'true' },
        },
        {
          name: 'b1',
          subnet: 'b',
          address: '10.0.2.11',
          groups: ['nodes'],
          role: 'node',
          tags: { 'weft:node': 'true' },
        },
      ],
    },
  ],
  users: ['admin'],
  policies: {},
  settings: {},
  do: [],
} as const;
