/** Looks at the host, then chooses the uplink. */
import type { UplinkChoice } from '../contracts/host-network.ts';
import type { Uplink } from '../core/uplink.ts';
import { RT_SCOPE_LINK, RT_TABLE_MAIN, RTM_GETROUTE } from '../native/netlink/constants.ts';
import {
  readRoute,
  routePrefixLength,
  routeScope,
  writeRouteLookup,
  writeRouteQuery,
} from '../native/netlink/route.ts';
import { isRefusal, type RouteSocket } from '../native/route-socket.ts';
import { allAddresses, allLinks } from './addresses.ts';
import { addressOf, ipValueOf } from './kernel-values.ts';
import { chooseUplink, type HostPicture } from './uplink-choice.ts';

export function findUplink(socket: RouteSocket, choice: UplinkChoice): Uplink {
  const picture: HostPicture = {
    links: allLinks(socket),
    addresses: allAddresses(socket),
    routes: socket.dump(
      RTM_GETROUTE,
      (w) => writeRouteQuery(w, 4, { table: RT_TABLE_MAIN }),
      // Those to thousands of peers are neither: they are passed over unread.
      (m) => (routePrefixLength(m) === 0 || routeScope(m) === RT_SCOPE_LINK ? readRoute(m) : undefined),
    ),
    ...reach(socket, choice),
  };
  return chooseUplink(choice, picture);
}

function reach(socket: RouteSocket, { canReach }: UplinkChoice): Pick<HostPicture, 'reached'> {
  if (canReach === undefined) return {};
  const answer = socket.query(RTM_GETROUTE, (w) => writeRouteLookup(w, ipValueOf(canReach), false), readRoute);
  // No way there: then it is as if nothing was found.
  if (answer === undefined || isRefusal(answer) || answer.link === 0) return {};
  const { link, source } = answer;
  return { reached: { link, ...(source === undefined ? {} : { source: addressOf(source) }) } };
}
