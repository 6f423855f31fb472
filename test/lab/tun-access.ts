/** Why tests of the user-space tunnel cannot run here: an ordinary user may be denied the device, also as root of a user namespace. Root never is. */
import { accessSync, constants } from 'node:fs';

function refusal(): string | false {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return false;
  } catch (error) {
    // That there is none is no reason: with a module it has to be there.
    return (error as NodeJS.ErrnoException).code === 'EACCES' && 'needs the right to open /dev/net/tun';
  }
}

export const NO_TUN = refusal();
