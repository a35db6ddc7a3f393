#include "bench/floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256
#define BUFFER 65536
#define PORT_LOW 1024
#define PORT_HIGH 65536

struct conn {
    int fd;
    bool sent;
    size_t at; /* bytes of the request that are out */
};

struct client {
    struct floor_part *part;
    int epoll;
    unsigned port; /* the walk's next source port; thread k of n takes every n-th */
    char *request, *buffer;
};

static void begin(struct client *c, struct conn *conn);

static int open_socket(struct client *c)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1 || !floor_set.walk)
        return fd;
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    do {
        from.sin_port = htons((uint16_t)c->port);
        c->port += floor_set.threads;
        if (c->port >= PORT_HIGH)
            c->port = PORT_LOW + c->part->index;
    } while (bind(fd, (const struct sockaddr *)&from, sizeof from) == -1 && errno == EADDRINUSE);
    return fd;
}

/* The exchange is over; the next one takes its place. */
static void end(struct client *c, struct conn *conn, bool good)
{
    close(conn->fd);
    c->part->done += good;
    c->part->failed += !good;
    if (!atomic_load_explicit(&floor_ending, memory_order_relaxed))
        begin(c, conn);
}

/* Sends what it can; false when the connection is broken. */
static bool send_request(struct client *c, struct conn *conn)
{
    size_t left = floor_set.request - conn->at;
    int flags = MSG_NOSIGNAL | (floor_set.coalesce ? MSG_MORE : 0);
    ssize_t n = left ? send(conn->fd, c->request + conn->at, left, flags) : 0;
    if (n == -1)
        return errno == EAGAIN || errno == ENOTCONN;
    conn->at += (size_t)n;
    if (conn->at == floor_set.request) {
        conn->sent = true;
        return shutdown(conn->fd, SHUT_WR) == 0;
    }
    return true;
}

static void begin(struct client *c, struct conn *conn)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)floor_set.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *conn = (struct conn){.fd = open_socket(c)};
    if (conn->fd == -1 || (connect(conn->fd, (const struct sockaddr *)&to, sizeof to) == -1 &&
                           errno != EINPROGRESS)) {
        c->part->failed++;
        if (conn->fd != -1)
            close(conn->fd);
        return;
    }
    if (floor_set.immediate)
        send_request(c, conn);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = conn};
    epoll_ctl(c->epoll, EPOLL_CTL_ADD, conn->fd, &event);
}

static void on_event(struct client *c, struct conn *conn, uint32_t events)
{
    if (!conn->sent && (events & EPOLLOUT) && !send_request(c, conn)) {
        end(c, conn, false);
        return;
    }
    if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        return;
    ssize_t n;
    do {
        n = recv(conn->fd, c->buffer, BUFFER, 0);
    } while (n > 0);
    if (n == 0)
        end(c, conn, true);
    else if (errno != EAGAIN)
        end(c, conn, false);
}

void *floor_client(void *arg)
{
    struct client c = {.part = arg, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    unsigned share = floor_set.concurrency / floor_set.threads;
    struct conn *conns = calloc(share, sizeof *conns);
    struct epoll_event events[EVENTS];
    c.port = PORT_LOW + c.part->index;
    c.request = calloc(1, floor_set.request + 1);
    c.buffer = malloc(BUFFER);
    if (c.epoll == -1 || !conns || !c.request || !c.buffer)
        exit(2);
    for (unsigned i = 0; i < share; i++)
        begin(&c, &conns[i]);
    while (!atomic_load_explicit(&floor_ending, memory_order_relaxed)) {
        int n = epoll_wait(c.epoll, events, EVENTS, 100);
        for (int i = 0; i < n; i++)
            on_event(&c, events[i].data.ptr, events[i].events);
    }
    free(conns);
    free(c.request);
    free(c.buffer);
    return NULL;
}
