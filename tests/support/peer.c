#include "support/peer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "support/cmocka_all.h"

struct guest {
    struct peer *peer;
    int fd;
};

static void *serve(void *arg)
{
    struct guest guest = *(struct guest *)arg;
    free(arg);
    guest.peer->manner(guest.peer, guest.fd);
    close(guest.fd);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct peer *p = arg;
    for (;;) {
        struct tsp_addr from = {.len = sizeof from.v6};
        int fd = accept4(p->listener, &from.sa, &from.len, SOCK_CLOEXEC);
        if (fd == -1)
            return NULL;
        struct guest *guest = malloc(sizeof *guest);
        if (!guest || p->accepted == PEER_CONNECTIONS)
            abort();
        *guest = (struct guest){p, fd};
        p->from[p->accepted] = from;
        if (pthread_create(&p->thread[p->accepted++], NULL, serve, guest))
            abort();
    }
}

struct peer *peer_start(const char *host, uint16_t port, peer_manner *manner)
{
    struct peer *p = calloc(1, sizeof *p);
    struct tsp_addr at;
    assert_non_null(p);
    assert_int_equal(tsp_addr_resolve(&at, host, AF_UNSPEC, NULL), 0);
    tsp_addr_set_port(&at, port);
    p->manner = manner;
    p->stop = eventfd(0, EFD_CLOEXEC);
    p->listener = socket(at.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    assert_int_equal(bind(p->listener, &at.sa, at.len), 0);
    assert_int_equal(listen(p->listener, 1024), 0);
    assert_int_equal(getsockname(p->listener, &at.sa, &at.len), 0);
    p->port = tsp_addr_port(&at);
    assert_int_equal(pthread_create(&p->accepting, NULL, accept_all, p), 0);
    return p;
}

void peer_end(struct peer *p)
{
    assert_int_equal(write(p->stop, &(uint64_t){1}, sizeof(uint64_t)), sizeof(uint64_t));
    shutdown(p->listener, SHUT_RDWR); /* accept returns */
    pthread_join(p->accepting, NULL);
    for (size_t i = 0; i < p->accepted; i++)
        pthread_join(p->thread[i], NULL);
    close(p->listener);
    close(p->stop);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void read_to_end(struct peer *p, int fd)
{
    char buffer[16384];
    ssize_t n;
    while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0)
        atomic_fetch_add(&p->received, (unsigned long long)n);
}

static void say(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

/* POLLERR and POLLHUP come unasked. */
static bool is_reset_within(int fd, int ms)
{
    struct pollfd reset = {.fd = fd};
    return poll(&reset, 1, ms) == 1 && (reset.revents & POLLERR);
}

static void wait_for_end_of_peer(struct peer *p)
{
    struct pollfd end = {.fd = p->stop, .events = POLLIN};
    poll(&end, 1, -1);
}

void peer_answers(struct peer *p, int fd)
{
    read_to_end(p, fd);
    say(fd, "pong", 4);
}

void peer_answers_late(struct peer *p, int fd)
{
    read_to_end(p, fd);
    pause_ms(50);
    say(fd, "pong", 4);
}

void peer_drips(struct peer *p, int fd)
{
    read_to_end(p, fd);
    for (int i = 0; i < 4; i++) {
        pause_ms(5);
        say(fd, &"pong"[i], 1);
    }
}

void peer_answers_short(struct peer *p, int fd)
{
    read_to_end(p, fd);
    say(fd, "po", 2);
}

void peer_is_silent(struct peer *p, int fd)
{
    struct pollfd either[] = {{.fd = p->stop, .events = POLLIN}, {.fd = fd}};
    errno = 0;
    read_to_end(p, fd);
    bool reset = errno == ECONNRESET;
    if (!reset)
        poll(either, 2, -1);
    if (reset || is_reset_within(fd, 5000))
        atomic_fetch_add(&p->noted, 1);
}

void peer_resets(struct peer *p, int fd)
{
    read_to_end(p, fd);
    peer_reset(fd);
}

void peer_leaves_input(struct peer *p, int fd)
{
    struct pollfd end = {.fd = fd, .events = POLLRDHUP};
    (void)p;
    poll(&end, 1, 5000);
    say(fd, "pong", 4);
}

void peer_keeps_open(struct peer *p, int fd)
{
    read_to_end(p, fd);
    say(fd, "pong", 4);
    if (is_reset_within(fd, 5000))
        atomic_fetch_add(&p->noted, 1);
}

void peer_answers_early(struct peer *p, int fd)
{
    static const char lots[256 << 10];
    say(fd, lots, sizeof lots);
    read_to_end(p, fd);
}

void peer_never_reads(struct peer *p, int fd)
{
    (void)fd;
    wait_for_end_of_peer(p);
}

void peer_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

uint16_t peer_closed_port(int *fd)
{
    struct tsp_addr at;
    assert_int_equal(tsp_addr_resolve(&at, "127.0.0.1", AF_INET, NULL), 0);
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*fd, &at.sa, at.len), 0);
    assert_int_equal(getsockname(*fd, &at.sa, &at.len), 0);
    return tsp_addr_port(&at);
}
