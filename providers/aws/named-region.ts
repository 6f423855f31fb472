/** The region that the environment or a profile names, as the SDK reads both. */
import { EC2Client } from '@aws-sdk/client-ec2';
import { asWeftError, WeftError } from '../../src/core/errors.ts';
import { quietly } from './sdk.ts';

/** Undefined: neither names one. @throws WeftError BAD_OPTION for what is none */
export async function namedRegion(): Promise<string | undefined> {
  const client = quietly(() => new EC2Client({}));
  try {
    return await client.config.region();
  } catch (error) {
    const { message } = asWeftError(error);
    // A variable that is empty names none.
    if (/region is missing|region=""/i.test(message)) return undefined;
    throw new WeftError(
      'BAD_OPTION',
      `the region that AWS_REGION or the AWS profile names cannot be used: ${message}`,
      {
        cause: error,
        hint: 'Name it with --region.',
      },
    );
  } finally {
    client.destroy();
  }
}
