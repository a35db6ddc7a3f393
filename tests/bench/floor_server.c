#include "bench/floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256
#define BUFFER 65536
#define ACCEPT_BATCH 64

struct server {
    struct floor_part *part;
    int epoll, listener;
    char *answer, *buffer;
};

static int open_listener(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)floor_set.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int));
    if (bind(fd, (const struct sockaddr *)&at, sizeof at) == -1 || listen(fd, 65535) == -1) {
        perror("floor: listen");
        exit(2);
    }
    return fd;
}

static void watch(struct server *s, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* Reads to the end and answers; false while the client has not half-closed. The answer
 * fits the socket's buffer, which starts at 16 KiB or more. */
static bool serve(struct server *s, int fd)
{
    ssize_t n;
    do {
        n = recv(fd, s->buffer, BUFFER, 0);
    } while (n > 0);
    if (n == -1 && errno == EAGAIN)
        return false;
    int flags = MSG_NOSIGNAL | (floor_set.coalesce ? MSG_MORE : 0);
    bool good = n == 0 && (!floor_set.answer || send(fd, s->answer, floor_set.answer, flags) ==
                                                    (ssize_t)floor_set.answer);
    s->part->done += good;
    s->part->failed += !good;
    close(fd);
    return true;
}

static void accept_some(struct server *s)
{
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd == -1)
            return;
        if (!floor_set.immediate || !serve(s, fd))
            watch(s, fd);
    }
}

void *floor_server(void *arg)
{
    struct server s = {.part = arg, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct epoll_event events[EVENTS];
    s.listener = open_listener();
    s.answer = calloc(1, floor_set.answer + 1);
    s.buffer = malloc(BUFFER);
    if (s.epoll == -1 || !s.answer || !s.buffer)
        exit(2);
    watch(&s, s.listener);
    while (!atomic_load_explicit(&floor_ending, memory_order_relaxed)) {
        int n = epoll_wait(s.epoll, events, EVENTS, 100);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == s.listener)
                accept_some(&s);
            else
                serve(&s, events[i].data.fd);
        }
    }
    free(s.answer);
    free(s.buffer);
    return NULL;
}
