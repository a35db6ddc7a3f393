#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256

static struct {
    int epoll, listener;
    long work_us;
    uint64_t accepted, errors;
} server;

static int open_listener(int port, int backlog)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
    if (bind(fd, (const struct sockaddr *)&at, sizeof at) == -1 || listen(fd, backlog) == -1) {
        perror("probe: listen");
        exit(2);
    }
    return fd;
}

static void watch(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(server.epoll, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(void)
{
    for (;;) {
        int fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd == -1) {
            server.errors += errno != EAGAIN;
            return;
        }
        server.accepted++;
        watch(fd);
    }
}

/* The peer's address and port, an IPv4 one without its IPv6 mapping. */
static int print_peer(int fd, char *text, size_t size)
{
    struct sockaddr_in6 peer;
    socklen_t len = sizeof peer;
    char name[INET6_ADDRSTRLEN] = "?";
    if (getpeername(fd, (struct sockaddr *)&peer, &len) == -1)
        return snprintf(text, size, "? 0\n");
    if (IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr))
        inet_ntop(AF_INET, &peer.sin6_addr.s6_addr[12], name, sizeof name);
    else
        inet_ntop(AF_INET6, &peer.sin6_addr, name, sizeof name);
    return snprintf(text, size, "%s %d\n", name, ntohs(peer.sin6_port));
}

static void answer(int fd)
{
    char text[80];
    if (server.work_us) {
        struct timespec work = {server.work_us / 1000000, server.work_us % 1000000 * 1000};
        nanosleep(&work, NULL);
    }
    int len = print_peer(fd, text, sizeof text);
    if (write(fd, text, (size_t)len) != len)
        server.errors++;
    close(fd);
}

static void serve(int fd)
{
    char dropped[16384];
    ssize_t n;
    do {
        n = read(fd, dropped, sizeof dropped);
    } while (n > 0);
    if (n == 0) {
        answer(fd);
    } else if (errno != EAGAIN) {
        server.errors++;
        close(fd);
    }
}

int probe_server(int argc, char **argv)
{
    int port = 2345, backlog = 65535, o;
    while ((o = getopt(argc, argv, "p:b:w:")) != -1) {
        if (o == 'p')
            port = atoi(optarg);
        else if (o == 'b')
            backlog = atoi(optarg);
        else if (o == 'w')
            server.work_us = atol(optarg);
        else
            return 2;
    }
    server.listener = open_listener(port, backlog);
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(server.listener);
    struct epoll_event events[EVENTS];
    while (!probe_ending) {
        int n = epoll_wait(server.epoll, events, EVENTS, 200);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == server.listener)
                accept_all();
            else
                serve(events[i].data.fd);
        }
    }
    fprintf(stderr, "server accepted=%llu errors=%llu\n", (unsigned long long)server.accepted,
            (unsigned long long)server.errors);
    return 0;
}
