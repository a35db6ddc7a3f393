/* server.h - answers connections: reads to the end of input, sends, closes.
 *
 * Runs in threads of its own, one loop and one SO_REUSEPORT listener (per
 * address and port) each. A handle belongs to one thread: start, stats, stop
 * and free are called from the same one.
 */
#ifndef TSP_SERVER_SERVER_H
#define TSP_SERVER_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "measure/outcome.h"
#include "server/spec.h"

struct tsp_server;

/* accepted = answered + failed + shed + open, at any moment stats() is taken.
 *
 * A failure's step is "reply" while the request is read and "send" while the
 * answer is sent. Time-outs, shed connections and those past max_request
 * ("other/reply": EMSGSIZE) are ended with a reset, which frees what the
 * kernel has queued for them. */
struct tsp_server_stats {
    uint64_t accepted, answered, failed, shed, open;
    uint64_t failure[TSP_OUTCOMES][TSP_STEPS]; /* adds up to failed */
    uint64_t accept_errors;                    /* accept(2) said no: descriptors, memory */
    uint64_t bytes_received, bytes_sent;
};

/* Listens, then starts the threads; at return connections are accepted. On
 * failure nothing is left open or running. */
int tsp_server_start(struct tsp_server **server, const struct tsp_server_spec *spec,
                     struct tsp_err *err);

/* The lowest port it listens on, and the addresses: text of the i-th "a:p", or
 * NULL past the last. Valid until free. */
uint16_t tsp_server_port(const struct tsp_server *s);
const char *tsp_server_address(const struct tsp_server *s, size_t i);

/* The cap in force: what was asked for, but no more than the descriptor limit
 * (raised to the hard one) leaves after what is open now, one for each acceptor and a
 * reserve of 64, or a quarter of a small limit. It holds for all acceptors together. A client in
 * the same process is not allowed for. */
int64_t tsp_server_max_open(const struct tsp_server *s);

/* Exact: every connection whose end a client has seen is in it. Running or
 * stopped. A thread that does not answer within a second counts as it last did. */
void tsp_server_stats(struct tsp_server *s, struct tsp_server_stats *out);

/* Accepts what the kernel has queued already, stops listening, lets open
 * connections finish for up to 0.8 s, and ends the rest (they count as failed, timeout,
 * at the step they were in), within a second. Where so many are open that closing them
 * takes longer (10 us each, measured), the counts are final, and its threads go on
 * closing. A second call ends nothing more. */
void tsp_server_stop(struct tsp_server *s);

/* Stops first, and waits until all is closed; NULL is allowed. */
void tsp_server_free(struct tsp_server *s);

#endif
