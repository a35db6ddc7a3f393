/* netlink.h - what the kernel's routing says (rtnetlink). Nothing is sent to the network. */
#ifndef TSP_NET_NETLINK_H
#define TSP_NET_NETLINK_H

#include "net/addr.h"

/* The type of the route towards an address: RTN_LOCAL = it ends in this network
 * namespace, RTN_UNICAST, … (<linux/rtnetlink.h>). -errno: no route (ENETUNREACH, …), or
 * the kernel could not be asked. */
int tsp_netlink_route_type(const struct tsp_addr *to);

#endif
