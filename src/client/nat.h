/* nat.h - what the other side saw of our sources, told by a server with
 * report_peer: is there a NAT between, and what does it do to ports?
 *
 * A line "address:port\n" comes before the content. tsp_nat_line belongs to a
 * connection, tsp_nat to a worker; the latter add up.
 */
#ifndef TSP_CLIENT_NAT_H
#define TSP_CLIENT_NAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct tsp_nat_line {
    char text[TSP_ADDR_TEXT]; /* NUL-terminated once complete */
    unsigned char len;
    bool complete, too_long;
    struct tsp_addr local; /* our own end, as we see it */
};

void tsp_nat_line_feed(struct tsp_nat_line *line, const char *bytes, size_t n);
void tsp_nat_line_local(struct tsp_nat_line *line, int fd);
/* Bytes of the answer that were the line, its newline included. */
uint64_t tsp_nat_line_bytes(const struct tsp_nat_line *line);

#define TSP_NAT_OUTSIDES 16

struct tsp_nat {
    uint64_t reported;   /* connections whose line could be read */
    uint64_t unreported; /* ended ok without such a line */
    uint64_t translated; /* seen with another address or port than ours */
    uint64_t preserved;  /* of the translated: the port was kept */
    /* An outside (address, port) that another inside pair had used before in this run. */
    uint64_t collisions;
    struct tsp_addr outside[TSP_NAT_OUTSIDES]; /* distinct addresses seen, port 0 */
    uint32_t *inside[TSP_NAT_OUTSIDES]; /* per outside port: who had it, hashed; 0 = nobody */
    size_t outsides;
    uint64_t outsides_more; /* connections with addresses past those 16 */
};

void tsp_nat_note(struct tsp_nat *n, const struct tsp_nat_line *line);
void tsp_nat_add(struct tsp_nat *into, const struct tsp_nat *from);
void tsp_nat_clear(struct tsp_nat *n); /* all-zero is allowed */

#endif
