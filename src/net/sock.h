/* sock.h - the socket calls tspam makes: one or two system calls each.
 *
 * Sockets are non-blocking and close-on-exec. Functions that make a descriptor
 * give it to the caller; on failure *fd is -1 and nothing is open.
 */
#ifndef TSP_NET_SOCK_H
#define TSP_NET_SOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/addr.h"

/* A TCP socket of this family, with SO_REUSEADDR: its TIME_WAIT does not keep a
 * walk from the port, even where the kernel picked it. -errno; no sentence: it
 * is counted, not told. */
int tsp_sock_open(int *fd, int family);

/* Binds before connect. With port 0 the kernel picks the port at connect
 * (IP_BIND_ADDRESS_NO_PORT, so that the search knows the destination); with a
 * port a TIME_WAIT of ours is reused at once. 0 or -errno. */
int tsp_sock_bind_source(int fd, const struct tsp_addr *from);

/* Starts to connect: 0 = under way or done, else -errno. */
int tsp_sock_connect(int fd, const struct tsp_addr *to);

/* A listener with SO_REUSEPORT; an IPv6 one takes IPv6 only.
 * defer: TCP_DEFER_ACCEPT of a second. Off unless asked for: with one acceptor it made
 * 1.05 of the closed loop, with two 0.91, and a silent connection comes a second late. */
int tsp_sock_listen(int *fd, const struct tsp_addr *at, int backlog, bool defer,
                    struct tsp_err *err);

/* The pending error of a socket (SO_ERROR), which reading clears; 0 = none. */
int tsp_sock_error(int fd);

/* What the socket is bound to, and who is at the other end. 0 or -errno. */
int tsp_sock_local(int fd, struct tsp_addr *out);
int tsp_sock_peer(int fd, struct tsp_addr *out);

/* The address that routing would choose as source towards a target; port 0.
 * Sends nothing (connects a datagram socket). 0 or -errno with a sentence. */
int tsp_sock_route(const struct tsp_addr *target, struct tsp_addr *out, struct tsp_err *err);

/* True when this side sent a SYN or data again (tcpi_total_retrans: SYNs count
 * too; the other side's retransmissions do not show here). */
bool tsp_sock_retransmitted(int fd);

/* Makes close() send RST instead of FIN (SO_LINGER, 0 seconds). */
void tsp_sock_reset_on_close(int fd);

#endif
