/* acceptor.h - one thread of a server: a loop, its listening sockets, its
 * sessions, and the mailbox through which its counts are read.
 *
 * All functions are for the thread that has the server's handle.
 */
#ifndef TSP_SERVER_ACCEPTOR_H
#define TSP_SERVER_ACCEPTOR_H

#include <ev.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/waker.h"
#include "server/listener.h"
#include "server/server.h"
#include "server/session.h"

struct tsp_acceptor {
    struct tsp_sessions sessions; /* of the thread while it runs, */
    struct tsp_listener listener; /* and so is all that follows up to thread */
    struct ev_loop *loop;
    struct tsp_waker wake;
    ev_timer grace;
    pthread_t thread;
    bool running;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t told;
    uint64_t asked, answered; /* requests for the counts, in number */
    bool stop;
    bool final, done;             /* seen will not change; the thread has nothing left to do */
    struct tsp_server_stats seen; /* as of request `answered` */
};

/* Makes the loop; the caller then opens sockets in listener. On failure nothing is left,
 * but the cap is not to be used. */
int tsp_acceptor_new(struct tsp_acceptor **out, const struct tsp_answer *answer,
                     struct tsp_cap *cap, struct tsp_err *err);
int tsp_acceptor_start(struct tsp_acceptor *a, struct tsp_err *err);

/* Asks for the counts; collect adds them to out. It waits until the time given
 * (tsp_now_ns) at most, then adds what was told last. Running or not. */
void tsp_acceptor_ask(struct tsp_acceptor *a);
void tsp_acceptor_collect(struct tsp_acceptor *a, int64_t until_ns, struct tsp_server_stats *out);

/* Tells the thread to finish. join waits until its counts are final, and until the time
 * given for its end: false = it still closes what it has counted as ended. release, once
 * all threads of the server are joined (they wake each other), leaves nothing but the
 * counts. All do nothing the second time. */
void tsp_acceptor_stop(struct tsp_acceptor *a);
bool tsp_acceptor_join(struct tsp_acceptor *a, int64_t until_ns);
void tsp_acceptor_release(struct tsp_acceptor *a);

void tsp_acceptor_free(struct tsp_acceptor *a); /* joined, or never started */

#endif
