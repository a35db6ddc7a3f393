/* addr.h - addresses: names, lists, ranges and CIDRs -> sockaddr, and back. */
#ifndef TSP_NET_ADDR_H
#define TSP_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct tsp_addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t len; /* 0 = none */
};

struct tsp_addrs {
    struct tsp_addr *item; /* owned */
    size_t count, room;
};

/* More addresses than this in one list are refused (a /16 fits). */
#define TSP_ADDRS_MAX 65536

/* A numeric address of either family ("::1", "[::1]" too, "fe80::1%eth0"), or a
 * name through the system's resolver. family: AF_UNSPEC, AF_INET, AF_INET6. Port 0.
 * Blocks for as long as the resolver does. "cannot resolve 'x': …". */
int tsp_addr_resolve(struct tsp_addr *out, const char *host, int family, struct tsp_err *err);

/* A numeric address alone, as above; no name, no list, no allocation. Port 0. */
bool tsp_addr_parse(struct tsp_addr *out, const char *text);

/* Appends what text names to the list: one numeric address, a range "a-b"
 * (inclusive, one family, a <= b; "10.0.0.1-9" shortens the last number), or a
 * CIDR (the whole block for IPv6 and /31, /32; without network and broadcast
 * address for other IPv4 blocks). */
int tsp_addrs_parse(struct tsp_addrs *list, const char *text, struct tsp_err *err);
void tsp_addrs_clear(struct tsp_addrs *list); /* all-zero is allowed */

/* 0 when a socket of this machine can be bound to the address, at some port or other;
 * -EADDRNOTAVAIL and a sentence with the mend when the machine does not have it. */
int tsp_addr_check_local(const struct tsp_addr *a, struct tsp_err *err);

/* True when connections to it end on this machine (own network namespace): where routing
 * says so, which knows of "ip route add local" too; where it cannot be asked, loopback. */
bool tsp_addr_is_local(const struct tsp_addr *a);

/* True for 0.0.0.0, :: and ::ffff:0.0.0.0. */
bool tsp_addr_is_unspecified(const struct tsp_addr *a);

/* True for 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104: what tcp_tw_reuse = 2 is about
 * (tcp_twsk_unique, Linux 4.19). An address of this machine's other interfaces is not. */
bool tsp_addr_is_loopback(const struct tsp_addr *a);

void tsp_addr_set_port(struct tsp_addr *a, uint16_t port);
uint16_t tsp_addr_port(const struct tsp_addr *a);
bool tsp_addr_same_host(const struct tsp_addr *a, const struct tsp_addr *b);

#define TSP_ADDR_TEXT 64 /* room for any text below */

/* "127.0.0.1" / "::1"; and "127.0.0.1:80" / "[::1]:80". Both return buf. */
char *tsp_addr_host_text(char buf[TSP_ADDR_TEXT], const struct tsp_addr *a);
char *tsp_addr_text(char buf[TSP_ADDR_TEXT], const struct tsp_addr *a);

#endif
