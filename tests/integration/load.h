/* load.h - what is common to the tests of the load engine: a spec with the
 * defaults, a whole run with its sums checked, and no descriptor left over.
 */
#ifndef TSP_TESTS_LOAD_H
#define TSP_TESTS_LOAD_H

#include <stdint.h>

#include "base/clock.h"
#include "client/run.h"
#include "support/peer.h"

/* Defaults of the table, towards this port of 127.0.0.1; two workers. */
struct tsp_run_spec load_spec(uint16_t port);

/* Checks and starts it, or fails the test. */
struct tsp_run *load_start(struct tsp_run_spec *spec);

/* Waits, checks the sums (load_assert_sums), frees the run. */
struct tsp_result load_end(struct tsp_run *run);

/* Both. */
struct tsp_result load_run(struct tsp_run_spec *spec);

/* The identities every result has to satisfy, the timeline's sums included. */
void load_assert_sums(const struct tsp_result *r);

/* All due were started and ended so; with a message of what did not. */
void load_assert_all_ok(const struct tsp_result *r, uint64_t due);
/* The same, and so many were answered before the request was sent: no first_byte. */
void load_assert_all_ok_early(const struct tsp_result *r, uint64_t due, uint64_t early);
void load_assert_all_failed(const struct tsp_result *r, uint64_t due, enum tsp_outcome o,
                            enum tsp_step step);

/* An address of 127.0.0.0/8 that other tests do not use: its last number given. */
const char *load_own_address(int last);

/* Runs the test in a child of its own, against a peer in this process: what it
 * returns, -1 when it died. The child is forked before the peer has threads, which
 * the thread sanitizer wants. */
int load_in_child(peer_manner *manner, int (*test)(uint16_t port));

/* Runs the test in a child with a network namespace of its own: what it returns, 77
 * when that is not allowed, -1 when it died. */
int load_in_own_namespace(int (*test)(void));

/* cmocka setup and teardown: the descriptors open before and after are the same. */
int load_setup(void **state);
int load_teardown(void **state);

#endif
