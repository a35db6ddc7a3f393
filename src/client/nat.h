/* nat.h - what the other side saw of our sources, told by a server with
 * report_peer: is there a NAT between, and what does it do to ports?
 *
 * A line "address:port\n" comes before the content. tsp_nat_line belongs to a
 * connection, tsp_nat to a worker; the latter add up. Of a connection the
 * inside pair is our own (address, port), the outside pair the one in its line.
 *
 * Collision: a connection whose outside pair was held towards the same
 * destination, at the same time, by another inside pair. Held means from when
 * we saw the connection established until we read the end of its answer.
 * Reused: the same pair towards the same destination, taken over from another
 * inside pair that had let go of it. One outside pair towards two destinations
 * is neither. Only connections that ended ok are known.
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
    struct tsp_addr outside;       /* what a complete line says; len 0 = no address */
    struct tsp_addr local;         /* our own end, as we see it */
    const struct tsp_addr *target; /* where it went to; the plan's */
    int64_t established_ns, closed_ns;
};

void tsp_nat_line_feed(struct tsp_nat_line *line, const char *bytes, size_t n);
void tsp_nat_line_local(struct tsp_nat_line *line, int fd);
/* Bytes of the answer that were the line, its newline included; 0 where the first line is
 * no address: then it is a part of the answer. */
uint64_t tsp_nat_line_bytes(const struct tsp_nat_line *line);

/* Past these, connections are only counted: more_addresses, more_holds. A hold
 * takes 32 bytes. */
#define TSP_NAT_OUTSIDES_MAX 65536
#define TSP_NAT_HOLDS_MAX (1u << 20) /* of one worker */
#define TSP_NAT_HOLDS_SUM (1u << 22) /* of all together */

struct tsp_nat_outside {
    struct tsp_addr address; /* port 0 */
    uint64_t connections;
};

struct tsp_nat_hold {
    uint64_t pair, inside; /* hashed: outside pair and destination; inside pair */
    int64_t from_ns, to_ns;
};

struct tsp_nat {
    uint64_t reported;   /* connections whose line could be read */
    uint64_t unreported; /* ended ok without such a line */
    uint64_t translated; /* seen with another address or port than ours */
    uint64_t preserved;  /* of the translated: the port was kept */

    struct tsp_nat_outside *outside; /* distinct addresses, in the order they were seen */
    size_t outsides, outsides_room;
    uint32_t *slot;          /* hash table of 1 + index, twice outsides_room; 0 = free */
    uint64_t more_addresses; /* connections whose address found no room there */

    struct tsp_nat_hold *hold; /* a row per connection */
    size_t holds, holds_room;
    uint64_t more_holds; /* connections that found no room there */
};

struct tsp_nat_clashes {
    uint64_t collisions, reused;
};

void tsp_nat_note(struct tsp_nat *n, const struct tsp_nat_line *line);
void tsp_nat_add(struct tsp_nat *into, const struct tsp_nat *from);
/* Once all are added: sorts the holds. */
struct tsp_nat_clashes tsp_nat_clashes(struct tsp_nat *n);
void tsp_nat_clear(struct tsp_nat *n); /* all-zero is allowed */

#endif
