#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/loop.h"
#include "net/sock.h"
#include "server/session.h"

/* The expiry timer fires at most a hundred times a second; where ending what is late takes
 * longer than a turn, the others get theirs before it goes on. */
#define EXPIRY_STEP_NS (10 * TSP_MS)
#define EXPIRY_TURN_NS (2 * TSP_MS)

#define SESSION_OF(link, member)                                                                   \
    ((struct tsp_session *)(void *)((char *)(link)-offsetof(struct tsp_session, member)))

static void list_init(struct tsp_link *list)
{
    list->prev = list->next = list;
}

static bool list_empty(const struct tsp_link *list)
{
    return list->next == list;
}

static void list_append(struct tsp_link *list, struct tsp_link *link)
{
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

static void list_remove(struct tsp_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->prev = link->next = NULL;
}

/* The one longest without progress; its list is not empty. */
static struct tsp_session *idlest_of(const struct tsp_sessions *s)
{
    return SESSION_OF(s->by_progress.next, by_progress);
}

static struct tsp_session *oldest_of(const struct tsp_sessions *s)
{
    return SESSION_OF(s->by_age.next, by_age);
}

static void fail(struct tsp_session *c, enum tsp_outcome outcome)
{
    tsp_session_count_failure(c, outcome, &tsp_session_set(c)->count);
}

static bool waits(const struct tsp_session *c)
{
    return c->by_age.next;
}

static void put_back(struct tsp_sessions *s, struct tsp_session *c)
{
    c->by_age.next = s->pool;
    s->pool = &c->by_age;
}

/* Tells the other threads how long the one to shed here has been without progress. */
static void tell_idlest(struct tsp_sessions *s)
{
    int64_t since = list_empty(&s->by_progress) ? TSP_CAP_NONE : idlest_of(s)->progress_ns;
    atomic_store_explicit(&s->here.idlest_ns, since, memory_order_relaxed);
}

/* It waits no longer. */
static void unlist(struct tsp_session *c)
{
    struct tsp_sessions *s = tsp_session_set(c);
    ev_io_stop(s->loop, &c->io);
    list_remove(&c->by_progress);
    list_remove(&c->by_age);
    tell_idlest(s);
}

/* Gives the session back to the pool. It is counted before its socket closes,
 * so that a client that has seen the end finds itself in the statistics. */
static void finish(struct tsp_session *c)
{
    struct tsp_sessions *s = tsp_session_set(c);
    if (waits(c)) {
        unlist(c);
        tsp_cap_leave(s->cap);
    }
    s->count.open--;
    (void)close(c->io.fd);
    put_back(s, c);
    if (s->leaving && s->count.open == 0)
        ev_break(s->loop, EVBREAK_ALL);
}

/* Ends a session with a reset. What lies in its socket's queues goes with it. */
static void end(struct tsp_session *c)
{
    tsp_sock_reset_on_close(c->io.fd);
    finish(c);
}

static void arm_expiry(struct tsp_sessions *s)
{
    if (list_empty(&s->by_age) || ev_is_active(&s->expiry))
        return;
    int64_t idle = idlest_of(s)->progress_ns + s->answer->idle_ns;
    int64_t total = oldest_of(s)->accepted_ns + s->answer->total_ns;
    int64_t delay = (idle < total ? idle : total) - tsp_now_ns();
    if (delay > 0 && delay < EXPIRY_STEP_NS)
        delay = EXPIRY_STEP_NS;
    if (delay < 0)
        delay = 0; /* a turn was not enough */
    ev_timer_set(&s->expiry, (double)delay / 1e9, 0.);
    ev_timer_start(s->loop, &s->expiry);
}

/* Deadlines only grow along both lists. NULL: none has passed. */
static struct tsp_session *overdue(struct tsp_sessions *s, int64_t now)
{
    if (list_empty(&s->by_progress))
        return NULL;
    struct tsp_session *idlest = idlest_of(s);
    struct tsp_session *oldest = oldest_of(s);
    if (now - idlest->progress_ns >= s->answer->idle_ns)
        return idlest;
    return now - oldest->accepted_ns >= s->answer->total_ns ? oldest : NULL;
}

static void on_expiry(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    struct tsp_sessions *s = timer->data;
    struct tsp_session *c;
    int64_t now = tsp_now_ns(), turn_end = now + EXPIRY_TURN_NS;
    while (now < turn_end && (c = overdue(s, now))) {
        fail(c, TSP_TIMEOUT);
        end(c);
        now = tsp_now_ns();
    }
    arm_expiry(s);
}

static void progress(struct tsp_session *c)
{
    c->progress_ns = tsp_now_ns();
    list_remove(&c->by_progress);
    list_append(&tsp_session_set(c)->by_progress, &c->by_progress);
    tell_idlest(tsp_session_set(c));
}

static void watch(struct tsp_session *c, int want)
{
    struct ev_loop *loop = tsp_session_set(c)->loop;
    if (ev_is_active(&c->io) && (c->io.events & (EV_READ | EV_WRITE)) == want)
        return;
    ev_io_stop(loop, &c->io);
    ev_io_set(&c->io, c->io.fd, want);
    ev_io_start(loop, &c->io);
}

static void on_event(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop;
    struct tsp_session *c = (struct tsp_session *)io;
    if (revents & EV_ERROR) {
        fail(c, TSP_NO_MEMORY); /* the kernel could not watch the descriptor */
        end(c);
        return;
    }
    int64_t received = c->received;
    size_t sent = c->sent;
    int want = tsp_session_advance(c);
    if (!want) {
        finish(c);
        return;
    }
    if (c->received != received || c->sent != sent)
        progress(c);
    watch(c, want);
}

void tsp_sessions_init(struct tsp_sessions *s, struct ev_loop *loop, const struct tsp_answer *a,
                       struct tsp_cap *cap, struct tsp_waker *wake)
{
    s->loop = loop;
    s->answer = a;
    s->cap = cap;
    tsp_cap_add(cap, &s->here, wake);
    list_init(&s->by_progress);
    list_init(&s->by_age);
    ev_init(&s->expiry, on_expiry);
    s->expiry.data = s;
}

int tsp_sessions_prepare(struct tsp_sessions *s, int n)
{
    for (int i = 0; i < n; i++) {
        struct tsp_session *c = malloc(sizeof *c);
        if (!c)
            return -ENOMEM;
        put_back(s, c);
    }
    return 0;
}

static struct tsp_session *fetch(struct tsp_sessions *s)
{
    struct tsp_link *spare = s->pool;
    if (!spare)
        return malloc(sizeof(struct tsp_session));
    s->pool = spare->next;
    return SESSION_OF(spare, by_age);
}

/* Most sessions never come here: they are over before they ever have to wait. */
static void wait_for(struct tsp_session *c, int want)
{
    struct tsp_sessions *s = tsp_session_set(c);
    c->accepted_ns = c->progress_ns = tsp_now_ns();
    list_append(&s->by_progress, &c->by_progress);
    list_append(&s->by_age, &c->by_age);
    tell_idlest(s);
    watch(c, want);
    arm_expiry(s);
    if (tsp_cap_enter(s->cap))
        tsp_sessions_relieve(s);
}

bool tsp_sessions_take(struct tsp_sessions *s, int fd, const struct tsp_addr *peer)
{
    struct tsp_session *c = tsp_loop_admits(fd) ? fetch(s) : NULL;
    if (!c) {
        tsp_sock_reset_on_close(fd);
        (void)close(fd);
        return false;
    }
    *c = (struct tsp_session){.peer = *peer};
    ev_io_init(&c->io, on_event, fd, EV_READ);
    c->io.data = s;
    s->count.accepted++;
    s->count.open++;
    int want = tsp_session_advance(c);
    if (want)
        wait_for(c, want);
    else
        finish(c);
    return true;
}

/* Ends the session longest without progress; the cap has counted it off. */
static void shed_idlest(struct tsp_sessions *s)
{
    struct tsp_session *c = idlest_of(s);
    unlist(c);
    s->count.shed++;
    end(c);
}

void tsp_sessions_shed(struct tsp_sessions *s)
{
    if (!tsp_cap_choose(s->cap, &s->here, 1))
        return;
    tsp_cap_leave(s->cap);
    shed_idlest(s);
}

/* A thread that leaves hears no other's call any more, so there each sheds its own. */
static bool sheds_here(struct tsp_sessions *s)
{
    return s->leaving ? !list_empty(&s->by_progress) : tsp_cap_choose(s->cap, &s->here, 0);
}

void tsp_sessions_relieve(struct tsp_sessions *s)
{
    for (int n = tsp_cap_asked(&s->here); n > 0 && !list_empty(&s->by_progress); n--) {
        tsp_cap_leave(s->cap);
        shed_idlest(s);
    }
    while (tsp_cap_over(s->cap) && sheds_here(s) && tsp_cap_claim(s->cap))
        shed_idlest(s);
}

void tsp_sessions_foresee_end(const struct tsp_sessions *s, struct tsp_server_stats *count)
{
    *count = s->count;
    for (const struct tsp_link *i = s->by_progress.next; i != &s->by_progress; i = i->next) {
        tsp_session_count_failure(SESSION_OF(i, by_progress), TSP_TIMEOUT, count);
        count->open--;
    }
}

void tsp_sessions_end(struct tsp_sessions *s)
{
    while (!list_empty(&s->by_progress)) {
        struct tsp_session *c = idlest_of(s);
        fail(c, TSP_TIMEOUT);
        end(c);
    }
}

void tsp_sessions_clear(struct tsp_sessions *s)
{
    while (s->pool)
        free(fetch(s));
}
