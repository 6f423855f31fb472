/** Real daemons whose role may do exactly what the shipped policy says, in EC2 and in DynamoDB. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { planned } from '../../src/lab/aws/account.ts';
import { examplePolicy, type ExamplePolicy } from '../../src/lab/aws/example-policies.ts';
import type { AwsInLab } from '../../src/lab/aws/aws-site.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { Status } from '../../src/core/status.ts';
import { oneVpc } from '../../src/lab/one-vpc.ts';
import { bundle, enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { closeLabs, never, reached } from './cluster.ts';
import { startCloud, startInCloud } from './cloud-cluster.ts';

const ROLE = 'weft-node';
const FABRIC = ['a1>b1 fabric', 'b1>a1 fabric'];

enclosed(
  import.meta.url,
  () => {
    describe('nodes with the rights that their policy gives them', () => {
      let lab: Lab;
      let aws: AwsInLab;
      before(async () => {
        ({ lab, aws } = await startCloud(oneVpc({ a: 1, b: 1 }), { policed: true }));
      });
      after(closeLabs);

      const allow = (file: ExamplePolicy): void => {
        const site = lab.topology.sites.find(({ vpc }) => vpc !== undefined);
        assert.ok(site?.vpc !== undefined);
        const place = { region: site.vpc.region, vpc: planned.vpc(site.name) };
        aws.cloud.policies.attach({ [ROLE]: [examplePolicy(bundle(), file, place)] });
      };
      /** What was refused, of both services. */
      const refusals = (): readonly string[] =>
        [...aws.cloud.journal.entries, ...aws.cloud.storeJournal.entries]
          .filter(({ outcome }) => outcome === 'UnauthorizedOperation' || outcome === 'AccessDeniedException')
          .map(({ who, action, outcome }) => `${who} ${action} ${outcome}`);

      it('join, reach each other by the VPC’s routes, restart and drain, and nothing is refused', async () => {
        allow('node-policy.json');
        await startInCloud(lab, ['a1', 'b1']);
        await becomes('pairs are on their paths', FABRIC, () => reached(lab), 60_000);
        const b1 = lab.host('b1');
        await b1.killDaemon();
        b1.startDaemon();
        await b1.await('is ready', ({ ready }) => (ready ? true : undefined), never);
        await b1.weftd(['plan']);
        await becomes('pairs are on their paths', FABRIC, () => reached(lab), 60_000);
        await b1.weftd(['drain']);
        assert.deepEqual(refusals(), []);
        const { journal, storeJournal } = aws.cloud;
        assert.ok(
          journal.entries.some(
            ({ who, action, outcome }) => who === 'b1' && action === 'CreateRoute' && outcome === 'ok',
          ),
        );
        assert.ok(storeJournal.entries.some(({ who, action }) => who === 'b1' && action === 'TransactWriteItems'));
      });

      it('say which right they lack, and their peers send to them by the tunnel', async () => {
        allow('node-policy-without-routes.json');
        const [a1, b1] = [lab.host('a1'), lab.host('b1')];
        // What has drained ends.
        await b1.daemon?.ended;
        b1.startDaemon();
        const lacking = ({ findings }: Status) => findings.find(({ code }) => code === 'CLOUD_DENIED')?.message;
        assert.match(
          await b1.await('says what it lacks', lacking, never),
          /assumed-role\/weft-node\/i-\w+ is not authorized to perform: ec2:CreateRoute on resource: arn:aws:ec2:/,
        );
        await a1.await(
          'sends to b1 by the tunnel',
          ({ peers }) => (peers[0]?.path === 'vxlan' ? true : undefined),
          never,
        );
      });
    });
  },
  'dynamodb',
);
