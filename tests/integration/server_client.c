#include "integration/server_client.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "support/cmocka_all.h"

struct tsp_server_spec default_spec(void)
{
    static const char *loopback[] = {"127.0.0.1"};
    struct tsp_server_spec spec = {0};
    for (const struct tsp_field *f = tsp_server_fields; f->name; f++)
        tsp_field_store_preset(f, &spec);
    spec.listen = (struct tsp_strings){loopback, 1};
    spec.port = (struct tsp_ports){0, 0};
    spec.acceptors = 1;
    return spec;
}

static int connect_to(const struct sockaddr *to, socklen_t len)
{
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, to, len) == 0)
        return fd;
    close(fd);
    return -1;
}

int client_connect(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect_to((const struct sockaddr *)&to, sizeof to);
}

int client_connect6(uint16_t port)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    to.sin6_addr = in6addr_loopback;
    return connect_to((const struct sockaddr *)&to, sizeof to);
}

ssize_t client_finish(int fd, const char *request, void *answer, size_t room)
{
    ssize_t n = 0, got = 0;
    size_t len = strlen(request);
    if (len && send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
        n = -1;
    if (n == 0 && shutdown(fd, SHUT_WR) == -1)
        n = -1;
    while (n >= 0 && (size_t)got < room &&
           (n = recv(fd, (char *)answer + got, room - (size_t)got, 0)) > 0)
        got += n;
    int error = n == -1 ? errno : 0;
    close(fd);
    return error ? -error : got;
}

ssize_t client_ask(uint16_t port, const char *request, void *answer, size_t room)
{
    int fd = client_connect(port);
    return fd == -1 ? -errno : client_finish(fd, request, answer, room);
}

void client_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

struct tsp_server_stats stats_when(struct tsp_server *s, int (*is)(const struct tsp_server_stats *))
{
    struct tsp_server_stats stats = {0};
    for (int i = 0; i < 1000; i++) {
        tsp_server_stats(s, &stats);
        if (is(&stats))
            return stats;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    fail_msg("not within 5 s: accepted %llu, answered %llu, failed %llu, shed %llu, open %llu",
             (unsigned long long)stats.accepted, (unsigned long long)stats.answered,
             (unsigned long long)stats.failed, (unsigned long long)stats.shed,
             (unsigned long long)stats.open);
    return stats;
}

struct tsp_server *server_start(const struct tsp_server_spec *spec)
{
    struct tsp_server *s = NULL;
    struct tsp_err err = {0};
    if (tsp_server_start(&s, spec, &err))
        fail_msg("start: %s", err.msg);
    return s;
}

void server_assert_sums(const struct tsp_server_stats *t)
{
    uint64_t failures = 0;
    for (int o = 0; o < TSP_OUTCOMES; o++) {
        for (int s = 0; s < TSP_STEPS; s++)
            failures += t->failure[o][s];
    }
    assert_int_equal(t->failed, failures);
    assert_int_equal(t->accepted, t->answered + t->failed + t->shed + t->open);
}

struct tsp_server_stats server_end(struct tsp_server *s)
{
    struct tsp_server_stats t;
    tsp_server_stop(s);
    tsp_server_stats(s, &t);
    server_assert_sums(&t);
    assert_int_equal(t.open, 0);
    tsp_server_free(s);
    return t;
}

int descriptors(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return -1;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}
