#include "server/listener.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/sock.h"

/* Connections taken per wake-up, before the open ones get their turn again. */
#define BATCH 64

/* Rest when accept() finds no descriptor or memory: 10 ms, doubled up to 500 ms.
 * The condition stays for a while, and a level-triggered watcher would spin. */
#define REST_MIN 0.010
#define REST_MAX 0.500

/* How much of an answer the kernel may hold beyond what the client's window has
 * room for. Without a bound it takes megabytes for a client that never reads, and
 * the connection would count as answered. Accepted sockets inherit it. */
#define UNSENT_MAX (128 << 10)

enum accepted { TAKEN, NONE, SKIPPED, EXHAUSTED };

/* Errors that belong to the connection at the head of the queue (it was reset,
 * or a filter refused it) leave the next one to be accepted. */
static enum accepted judge(int error)
{
    switch (error) {
    case EAGAIN:
        return NONE;
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case EINTR:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case ENONET:
        return SKIPPED;
    default:
        return EXHAUSTED;
    }
}

static enum accepted accept_one(struct tsp_listener *l, int listening)
{
    struct tsp_addr peer = {.len = sizeof peer.v6};
    int fd = accept4(listening, &peer.sa, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd == -1)
        return judge(errno);
    return tsp_sessions_take(l->sessions, fd, &peer) ? TAKEN : EXHAUSTED;
}

/* Unless it rests, or the cap holds it. */
static void listen_on(struct tsp_listener *l)
{
    if (ev_is_active(&l->rest) || atomic_load(&l->sessions->here.held))
        return;
    for (size_t i = 0; i < l->count; i++)
        ev_io_start(l->sessions->loop, &l->io[i]);
}

static void listen_off(struct tsp_listener *l)
{
    for (size_t i = 0; i < l->count; i++)
        ev_io_stop(l->sessions->loop, &l->io[i]);
}

/* One connection is shed per rest: that frees what the next one needs. */
static void rest(struct tsp_listener *l)
{
    l->sessions->count.accept_errors++;
    tsp_sessions_shed(l->sessions);
    listen_off(l);
    ev_timer_set(&l->rest, l->pause, 0.);
    ev_timer_start(l->sessions->loop, &l->rest);
    l->pause = l->pause * 2 < REST_MAX ? l->pause * 2 : REST_MAX;
}

static void on_rested(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    listen_on(timer->data);
}

/* At the cap every connection taken sheds another, so there the open ones get
 * their turn after each: a whole batch would shed sessions that have progress to
 * make but were not yet asked. And it takes none while another thread has yet to
 * shed for the last one.
 *
 * At the descriptor limit accept() says EMFILE with an empty queue, too. So the
 * error counts only when nothing was taken in this wake-up: then the kernel had
 * announced a connection that is still there. */
static void on_connections(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop;
    struct tsp_listener *l = io->data;
    struct tsp_cap *cap = l->sessions->cap;
    if (revents & EV_ERROR) {
        rest(l);
        return;
    }
    for (int i = 0; i < BATCH; i++) {
        switch (accept_one(l, io->fd)) {
        case EXHAUSTED:
            if (i == 0)
                rest(l);
            return;
        case NONE:
            return;
        case TAKEN:
            l->pause = REST_MIN;
            break;
        case SKIPPED:
            break;
        }
        if (tsp_cap_full(cap)) {
            if (tsp_cap_hold(cap, &l->sessions->here))
                listen_off(l);
            return;
        }
    }
}

int tsp_listener_init(struct tsp_listener *l, struct tsp_sessions *sessions, size_t room,
                      struct tsp_err *err)
{
    *l = (struct tsp_listener){.sessions = sessions, .pause = REST_MIN};
    ev_init(&l->rest, on_rested);
    l->rest.data = l;
    l->io = calloc(room, sizeof *l->io);
    return l->io ? 0 : tsp_fail(err, ENOMEM, "%zu listeners", room);
}

int tsp_listener_open(struct tsp_listener *l, struct tsp_addr *at,
                      const struct tsp_listen_options *options, struct tsp_err *err)
{
    int fd;
    int rc = tsp_sock_listen(&fd, at, options->backlog, options->defer, err);
    if (rc)
        return rc;
    if (tsp_addr_port(at) == 0) {
        rc = tsp_sock_local(fd, at);
        if (rc) {
            (void)close(fd);
            return tsp_fail(err, -rc, "port of the listener");
        }
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){UNSENT_MAX}, sizeof(int));
    ev_io *io = &l->io[l->count++];
    ev_io_init(io, on_connections, fd, EV_READ);
    io->data = l;
    return 0;
}

void tsp_listener_start(struct tsp_listener *l)
{
    listen_on(l);
}

void tsp_listener_drain(struct tsp_listener *l, int64_t deadline_ns)
{
    for (size_t i = 0; i < l->count; i++) {
        enum accepted a;
        do {
            a = accept_one(l, l->io[i].fd);
        } while ((a == TAKEN || a == SKIPPED) && tsp_now_ns() < deadline_ns);
    }
}

void tsp_listener_close(struct tsp_listener *l)
{
    if (!l->io)
        return;
    listen_off(l);
    ev_timer_stop(l->sessions->loop, &l->rest);
    while (l->count)
        (void)close(l->io[--l->count].fd);
    free(l->io);
    l->io = NULL;
}
