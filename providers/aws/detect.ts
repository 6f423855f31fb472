/**
 * Is this machine an EC2 instance? By what the firmware says, without a question to any network.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** @param root where the kernel's files are found */
export async function detectAws(signal: AbortSignal, root = '/'): Promise<boolean> {
  const read = async (file: string): Promise<string> => {
    try {
      return (await readFile(path.join(root, file), { encoding: 'utf8', signal })).trim();
    } catch {
      return '';
    }
  };
  const [vendor, asset, xen] = await Promise.all([
    read('sys/class/dmi/id/sys_vendor'),
    read('sys/class/dmi/id/board_asset_tag'),
    // Xen instances, and some of its guests write the first bytes in the other order.
    read('sys/hypervisor/uuid'),
  ]);
  return vendor === 'Amazon EC2' || /^i-[0-9a-f]{8,17}$/.test(asset) || /^(ec2|[0-9a-f]{4}2[0-9a-f]ec)/i.test(xen);
}
