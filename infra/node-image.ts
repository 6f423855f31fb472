/** Images that need no look into the account when the stack is synthesised. */
import {
  AmazonLinuxCpuType,
  InstanceArchitecture,
  MachineImage,
  OperatingSystemType,
  UserData,
  type IMachineImage,
  type InstanceType,
} from 'aws-cdk-lib/aws-ec2';

/** The newest when CloudFormation deploys: it reads the parameter that Amazon keeps. */
export const amazonLinux = (type: InstanceType): IMachineImage =>
  MachineImage.latestAmazonLinux2023({
    cpuType: type.architecture === InstanceArchitecture.ARM_64 ? AmazonLinuxCpuType.ARM_64 : AmazonLinuxCpuType.X86_64,
  });

export const imageById = (imageId: string): IMachineImage => ({
  getImage: () => ({ imageId, osType: OperatingSystemType.LINUX, userData: UserData.forLinux() }),
});
