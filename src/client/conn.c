#include "client/conn.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/sock.h"

/* A source tuple that the kernel refuses is passed over; so many in a row, and
 * the connection fails for want of a port. Each costs some 2 us. */
#define TUPLE_TRIES 64

/* Reads at one wake-up; then other connections get their turn. */
#define READS_PER_TURN 16

typedef enum tsp_conn_state step_function(struct tsp_conn *c, int *want);

static void mark(struct tsp_conn *c, enum tsp_mark m)
{
    c->marks.at[m] = tsp_now_ns();
}

static enum tsp_conn_state fail(struct tsp_conn *c, int error, enum tsp_step step)
{
    c->error = error;
    c->step = (unsigned char)step;
    c->outcome = (unsigned char)tsp_outcome_of(error, step);
    return TSP_CONN_DONE;
}

/* A reset can read as a clean end: when the RST comes between send and
 * shutdown, shutdown says ENOTCONN and only SO_ERROR, asked at that moment,
 * knows why. */
static enum tsp_conn_state fail_close(struct tsp_conn *c, int error)
{
    int pending = error == ENOTCONN ? tsp_sock_error(c->io.fd) : 0;
    return fail(c, pending ? pending : error, TSP_STEP_SEND);
}

/* TCP connects to itself when the kernel picks the very port it is to connect
 * to: nobody listens there. */
static bool met_itself(const struct tsp_conn *c)
{
    struct tsp_addr local, peer;
    return c->env->plan->may_meet_itself && tsp_sock_local(c->io.fd, &local) == 0 &&
           tsp_sock_peer(c->io.fd, &peer) == 0 && tsp_addr_same_host(&local, &peer) &&
           tsp_addr_port(&local) == tsp_addr_port(&peer);
}

/* The first bytes of the request are sent without asking whether the connection
 * is up: send says so itself (EAGAIN while it is not), and so it does with no
 * bytes at all. */
static ssize_t send_rest(struct tsp_conn *c)
{
    const struct tsp_plan *plan = c->env->plan;
    int flags = MSG_NOSIGNAL | (plan->coalesce_fin && !plan->hold_ns ? MSG_MORE : 0);
    const char *from = plan->request.len ? plan->request.bytes + c->sent : "";
    ssize_t n = send(c->io.fd, from, plan->request.len - c->sent, flags);
    if (n > 0)
        c->sent += (uint64_t)n;
    return n;
}

static enum tsp_conn_state connecting(struct tsp_conn *c, int *want)
{
    int64_t now = tsp_now_ns(); /* before the send: copying a request is no part of connect */
    ssize_t n = send_rest(c);
    int error = n == -1 ? errno : 0;
    if (error == EINTR)
        return TSP_CONN_CONNECTING;
    if (error == EAGAIN) {
        *want = EV_WRITE;
        return TSP_CONN_CONNECTING;
    }
    /* Before it is established a RST means refused; these two come after. */
    if (error)
        return fail(c, error,
                    error == ECONNRESET || error == EPIPE ? TSP_STEP_SEND : TSP_STEP_CONNECT);
    c->marks.at[TSP_MARK_ESTABLISHED] = now;
    if (met_itself(c))
        return fail(c, ECONNREFUSED, TSP_STEP_CONNECT);
    if (c->env->plan->hold_ns)
        c->env->begin_hold(c);
    return TSP_CONN_SENDING;
}

/* > 0: bytes came; 0: end of the answer; -EAGAIN: no more for now; -errno. */
static ssize_t receive(struct tsp_conn *c)
{
    const struct tsp_conn_env *env = c->env;
    ssize_t n = recv(c->io.fd, env->buffer, env->buffer_size, 0);
    if (n == -1)
        return -errno;
    if (!c->marks.at[TSP_MARK_FIRST_BYTE])
        mark(c, TSP_MARK_FIRST_BYTE);
    c->received += (uint64_t)n;
    if (c->nat)
        tsp_nat_line_feed(c->nat, env->buffer, (size_t)n);
    return n;
}

/* While there is nothing to decide yet: takes what comes, so that a peer that
 * answers early is not blocked. 0 = its end has come. */
static ssize_t drain(struct tsp_conn *c)
{
    ssize_t n = 1;
    for (int i = 0; i < READS_PER_TURN && (n > 0 || n == -EINTR); i++)
        n = receive(c);
    return n;
}

static enum tsp_conn_state sending(struct tsp_conn *c, int *want)
{
    while (c->sent < c->env->plan->request.len) {
        if (send_rest(c) >= 0 || errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return fail(c, errno, TSP_STEP_SEND);
        ssize_t got = drain(c);
        if (got < 0 && got != -EAGAIN && got != -EINTR)
            return fail(c, (int)-got, TSP_STEP_SEND);
        *want = got == 0 ? EV_WRITE : EV_READ | EV_WRITE;
        return TSP_CONN_SENDING;
    }
    return c->env->plan->hold_ns ? TSP_CONN_HOLDING : TSP_CONN_HALF_CLOSING;
}

static enum tsp_conn_state holding(struct tsp_conn *c, int *want)
{
    if (!c->held) { /* just sent: the answer is hardly there yet */
        bool runs = c->env->wait_for_hold(c);
        *want = runs ? EV_READ : 0;
        return runs ? TSP_CONN_HOLDING : TSP_CONN_HALF_CLOSING;
    }
    *want = EV_READ;
    ssize_t got = drain(c);
    if (got == 0) { /* the peer has closed: there is nothing left to hold */
        *want = 0;
        return TSP_CONN_HALF_CLOSING;
    }
    if (got > 0 || got == -EAGAIN || got == -EINTR)
        return TSP_CONN_HOLDING;
    *want = 0;
    return fail(c, (int)-got, TSP_STEP_REPLY);
}

static enum tsp_conn_state half_closing(struct tsp_conn *c, int *want)
{
    if (shutdown(c->io.fd, SHUT_WR) == -1)
        return fail_close(c, errno);
    mark(c, TSP_MARK_SENT);
    *want = EV_READ; /* the answer is hardly there yet: a read now would be one for nothing */
    return TSP_CONN_RECEIVING;
}

static uint64_t answered(const struct tsp_conn *c)
{
    return c->nat ? c->received - tsp_nat_line_bytes(c->nat) : c->received;
}

static enum tsp_conn_state end_of_answer(struct tsp_conn *c)
{
    mark(c, TSP_MARK_CLOSED);
    if (answered(c) < c->env->plan->expect) {
        c->step = TSP_STEP_REPLY;
        c->outcome = TSP_SHORT;
    } else {
        c->outcome = TSP_OK;
    }
    return TSP_CONN_DONE;
}

/* close = "reset" does not wait for the end of the answer: after both ends have
 * closed no RST leaves. */
static bool may_reset(const struct tsp_conn *c)
{
    uint64_t enough = c->env->plan->expect ? c->env->plan->expect : 1;
    return c->env->plan->close == TSP_CLOSE_RESET && answered(c) >= enough;
}

static enum tsp_conn_state receiving(struct tsp_conn *c, int *want)
{
    for (int i = 0; i < READS_PER_TURN; i++) {
        ssize_t n = receive(c);
        if (n == 0)
            return end_of_answer(c);
        if (n > 0 && may_reset(c)) {
            tsp_sock_reset_on_close(c->io.fd);
            return end_of_answer(c);
        }
        if (n < 0 && n != -EINTR) {
            *want = EV_READ;
            return n == -EAGAIN ? TSP_CONN_RECEIVING : fail(c, (int)-n, TSP_STEP_REPLY);
        }
    }
    *want = EV_READ;
    return TSP_CONN_RECEIVING;
}

static step_function *const steps[] = {
    [TSP_CONN_CONNECTING] = connecting, [TSP_CONN_SENDING] = sending,
    [TSP_CONN_HOLDING] = holding,       [TSP_CONN_HALF_CLOSING] = half_closing,
    [TSP_CONN_RECEIVING] = receiving,
};

static void watch(struct tsp_conn *c, int want)
{
    if (ev_is_active(&c->io)) {
        if (c->io.events == want)
            return;
        ev_io_stop(c->env->loop, &c->io);
    }
    ev_io_set(&c->io, c->io.fd, want);
    ev_io_start(c->env->loop, &c->io);
}

/* What its line is compared with. */
static void complete_line(struct tsp_conn *c)
{
    tsp_nat_line_local(c->nat, c->io.fd);
    c->nat->established_ns = c->marks.at[TSP_MARK_ESTABLISHED];
    c->nat->closed_ns = c->marks.at[TSP_MARK_CLOSED];
}

static void shut(struct tsp_conn *c)
{
    if (c->io.fd == -1)
        return;
    ev_io_stop(c->env->loop, &c->io);
    /* Always asked: by time alone a fifth of the retransmitted would be missed
     * (tail loss probes are quick), and it costs 0.7 us. */
    c->retransmitted = c->marks.at[TSP_MARK_OPEN] && tsp_sock_retransmitted(c->io.fd);
    if (c->nat && c->outcome == TSP_OK)
        complete_line(c);
    /* Without the end of an answer a plain close leaves an orphan that sends its FIN for
     * minutes: the walk would find its own tuple taken, and the port missing here. */
    if (!c->marks.at[TSP_MARK_CLOSED])
        tsp_sock_reset_on_close(c->io.fd);
    close(c->io.fd);
    c->io.fd = -1;
}

static void finish(struct tsp_conn *c)
{
    shut(c);
    c->env->done(c);
}

/* Goes on until the connection is done or has to wait; for what, 0 = it is done. */
static int advance(struct tsp_conn *c)
{
    int want = 0;
    while (c->state != TSP_CONN_DONE && !want)
        c->state = (unsigned char)steps[c->state](c, &want);
    return want;
}

static void drive(struct tsp_conn *c)
{
    int want = advance(c);
    if (c->state == TSP_CONN_DONE)
        finish(c);
    else
        watch(c, want);
}

static enum tsp_step waiting_for(const struct tsp_conn *c)
{
    if (c->state == TSP_CONN_CONNECTING)
        return TSP_STEP_CONNECT;
    return c->state == TSP_CONN_SENDING ? TSP_STEP_SEND : TSP_STEP_REPLY;
}

static void on_event(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop;
    struct tsp_conn *c = (struct tsp_conn *)io;
    /* epoll had no room for it (ENOMEM, ENOSPC): waiting once more would spin. */
    if (revents & EV_ERROR)
        c->state = (unsigned char)fail(c, ENOMEM, waiting_for(c));
    drive(c);
}

/* A bound socket, or an unbound one where routing and the kernel choose. */
static int prepare(struct tsp_conn *c, struct tsp_source *source, enum tsp_step *step)
{
    *step = TSP_STEP_BIND;
    int rc = tsp_sources_next(c->env->sources, tsp_now_ns(), source);
    if (rc)
        return rc;
    c->tuple = source->tuple;
    if (c->nat)
        c->nat->target = source->target;
    if (c->io.fd == -1) {
        *step = TSP_STEP_SOCKET;
        rc = tsp_sock_open(&c->io.fd, source->target->sa.sa_family);
    }
    if (!rc && source->local.len) {
        *step = TSP_STEP_BIND;
        rc = tsp_sock_bind_source(c->io.fd, &source->local);
    }
    return rc;
}

static bool tuple_was_refused(const struct tsp_conn *c, int rc)
{
    return c->tuple != TSP_NO_TUPLE && (rc == -EADDRINUSE || rc == -EADDRNOTAVAIL);
}

/* Stamps OPEN just before the connect that counts as the start; a retry with
 * another tuple is still the same start. */
static int try_connect(struct tsp_conn *c, enum tsp_step *step, void (*on_start)(struct tsp_conn *))
{
    struct tsp_source source;
    int rc = prepare(c, &source, step);
    bool first = !c->marks.at[TSP_MARK_OPEN];
    if (first && !tuple_was_refused(c, rc)) {
        mark(c, TSP_MARK_OPEN);
        on_start(c);
    }
    if (rc)
        return rc;
    *step = TSP_STEP_CONNECT;
    return tsp_sock_connect(c->io.fd, source.target);
}

static int start(struct tsp_conn *c, enum tsp_step *step, void (*on_start)(struct tsp_conn *))
{
    int rc = -EADDRNOTAVAIL;
    for (int i = 0; i < TUPLE_TRIES; i++) {
        rc = try_connect(c, step, on_start);
        if (!tuple_was_refused(c, rc))
            return rc;
        tsp_sources_refused(c->env->sources, c->tuple);
        c->tuple = TSP_NO_TUPLE;
        if (*step == TSP_STEP_CONNECT) { /* bound already: another port needs another socket */
            close(c->io.fd);
            c->io.fd = -1;
        }
    }
    return rc;
}

void tsp_conn_open(struct tsp_conn *c, struct tsp_conn_env *env, int64_t due_ns,
                   void (*on_start)(struct tsp_conn *))
{
    enum tsp_step step = TSP_STEP_SOCKET;
    c->env = env;
    ev_io_init(&c->io, on_event, -1, 0);
    c->marks.at[TSP_MARK_DUE] = due_ns;
    c->tuple = TSP_NO_TUPLE;
    c->state = TSP_CONN_CONNECTING;
    int rc = start(c, &step, on_start);
    if (rc) {
        if (!c->marks.at[TSP_MARK_OPEN]) { /* every tuple was refused */
            mark(c, TSP_MARK_OPEN);
            on_start(c);
        }
        c->state = (unsigned char)fail(c, -rc, step);
    }
    /* On this machine the handshake is over when connect returns. Elsewhere it has hardly
     * begun: a send now would be one for nothing, and an ICMP error that comes while it
     * holds the socket is dropped by the kernel (LockDroppedIcmps). */
    if (c->state == TSP_CONN_CONNECTING && !env->plan->local_target)
        watch(c, EV_WRITE);
    else
        drive(c);
}

void tsp_conn_end_hold(struct tsp_conn *c)
{
    if (c->state == TSP_CONN_HOLDING)
        c->state = TSP_CONN_HALF_CLOSING;
    drive(c);
}

void tsp_conn_expire(struct tsp_conn *c)
{
    (void)advance(c);
    if (c->state != TSP_CONN_DONE)
        c->state = (unsigned char)fail(c, ETIMEDOUT, waiting_for(c));
    finish(c);
}

void tsp_conn_abort(struct tsp_conn *c)
{
    c->outcome = TSP_OTHER; /* not ok: nothing more is read from it */
    shut(c);
}
