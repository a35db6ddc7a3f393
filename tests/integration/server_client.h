/* server_client.h - a plain blocking client, and what is common to the tests of the server. */
#ifndef TSP_TESTS_SERVER_CLIENT_H
#define TSP_TESTS_SERVER_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/server.h"
#include "server/spec.h"

/* Defaults of the table, on 127.0.0.1, any port, one acceptor. */
struct tsp_server_spec default_spec(void);

/* A connected socket (reads give up after 5 s), or -1. */
int client_connect(uint16_t port);
int client_connect6(uint16_t port);

/* Sends, half-closes, reads to the end. Bytes of the answer, or -errno. Closes. */
ssize_t client_finish(int fd, const char *request, void *answer, size_t room);

/* All at once; the answer's length. */
ssize_t client_ask(uint16_t port, const char *request, void *answer, size_t room);

/* Closes with RST. */
void client_reset(int fd);

/* Waits until the statistics satisfy this, and returns them; fails the test after 5 s. */
struct tsp_server_stats stats_when(struct tsp_server *s,
                                   int (*is)(const struct tsp_server_stats *));

/* Starts, or fails the test. */
struct tsp_server *server_start(const struct tsp_server_spec *spec);

/* Every accepted connection is accounted for, and every failure has a cause. */
void server_assert_sums(const struct tsp_server_stats *t);

/* Stops, checks the sums, frees; the final counts. */
struct tsp_server_stats server_end(struct tsp_server *s);

/* Descriptors of this process, by number. */
int descriptors(void);

#endif
