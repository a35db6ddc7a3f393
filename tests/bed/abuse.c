/* abuse - ill-behaved clients, to see what a server does about them. Bounded in
 * number and time; ends with one JSON object on stdout.
 *
 *   abuse KIND [-h HOST] [-p PORT] [-c CONNECTIONS] [-s SECONDS]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 100000
#define SECONDS_MAX 600

/* Each client comes back once when it is seen off; a storm does for ever. */
#define LIVES 2

static struct {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } to;
    size_t clients;
    double seconds;
} set = {.clients = 100, .seconds = 5};

static struct {
    unsigned long opened, refused, seen_off, resets;
    unsigned long long sent;
} count;

/* What one kind of client does: once when connected (true: it stays), then again
 * and again, at most every `every` seconds (false: it was seen off). */
struct kind {
    const char *name;
    bool (*greet)(int fd);
    bool (*act)(int fd);
    double every;
    int window; /* SO_RCVBUF; 0 = as it is */
    bool storm;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool say(int fd, size_t len)
{
    static const char zeros[65536];
    ssize_t n = send(fd, zeros, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        count.sent += (unsigned long long)n;
    return n >= 0 || errno == EAGAIN;
}

static bool hold(int fd)
{
    (void)fd;
    return true;
}

static bool reset(int fd)
{
    struct linger at_once = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    count.resets++;
    return false;
}

static bool ask(int fd)
{
    (void)say(fd, 1);
    (void)shutdown(fd, SHUT_WR);
    return true;
}

static bool ask_and_reset(int fd)
{
    (void)ask(fd);
    return reset(fd);
}

static bool listen_for_the_end(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
    return n > 0 || (n == -1 && errno == EAGAIN);
}

static bool drip(int fd)
{
    return listen_for_the_end(fd) && say(fd, 1);
}

static bool flood(int fd)
{
    return say(fd, 65536);
}

static const struct kind kinds[] = {
    {"idle", hold, listen_for_the_end, 0.02, 0, false}, /* holds a descriptor */
    {"slow", hold, drip, 1, 0, false},                  /* a byte a second */
    {"noread", ask, hold, 1, 1024, false},              /* holds the answer */
    {"rst", reset, hold, 0, 0, true},                   /* over and over */
    {"rst-late", ask_and_reset, hold, 0, 0, true},      /* while the answer is due */
    {"flood", hold, flood, 0, 0, false},                /* never half-closes */
    {"torrent", hold, flood, 0, 0, true},               /* a flood that comes again */
};

/* A client, or -1 when it could not get one or did not stay. */
static int come(const struct kind *kind)
{
    static const struct timeval patience = {.tv_usec = 200000};
    bool v6 = set.to.any.sa_family == AF_INET6;
    int fd = socket(set.to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        count.refused++;
        return -1;
    }
    if (kind->window)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kind->window, sizeof kind->window);
    if (kind->every > 0) /* how long connect may take; a storm has no time to set it */
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, &set.to.any, v6 ? sizeof set.to.v6 : sizeof set.to.v4) == -1) {
        count.refused++;
        close(fd);
        return -1;
    }
    count.opened++;
    if (kind->greet(fd))
        return fd;
    close(fd);
    return -1;
}

static void run(const struct kind *kind, int *fd)
{
    double end = now() + set.seconds, next = 0;
    while (now() < end) {
        bool acts = now() >= next;
        if (acts)
            next = now() + kind->every;
        for (size_t i = 0; i < set.clients && now() < end; i++) {
            bool may_come = kind->storm || count.opened + count.refused < set.clients * LIVES;
            if (fd[i] == -1 && may_come)
                fd[i] = come(kind);
            if (fd[i] == -1 || !acts || kind->act(fd[i]))
                continue;
            close(fd[i]);
            fd[i] = -1;
            count.seen_off++;
        }
        if (kind->every > 0)
            (void)poll(NULL, 0, 20);
    }
}

static const struct kind *find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}

/* An address of either family, as text. */
static bool aim(const char *host, int port)
{
    if (strchr(host, ':')) {
        set.to.v6.sin6_family = AF_INET6;
        set.to.v6.sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host, &set.to.v6.sin6_addr) == 1;
    }
    set.to.v4.sin_family = AF_INET;
    set.to.v4.sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &set.to.v4.sin_addr) == 1;
}

static bool parse(int argc, char **argv)
{
    const char *host = "127.0.0.1";
    int option, port = 2345;
    optind = 2;
    while ((option = getopt(argc, argv, "h:p:c:s:")) != -1) {
        if (option == 'h')
            host = optarg;
        else if (option == 'p')
            port = atoi(optarg);
        else if (option == 'c')
            set.clients = (size_t)atol(optarg);
        else if (option == 's')
            set.seconds = atof(optarg);
        else
            return false;
    }
    return aim(host, port) && set.clients >= 1 && set.clients <= CONNECTIONS_MAX &&
           set.seconds > 0 && set.seconds <= SECONDS_MAX;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    const struct kind *kind = argc > 1 ? find(argv[1]) : NULL;
    if (!kind || !parse(argc, argv)) {
        fputs(
            "abuse idle|slow|noread|rst|rst-late|flood|torrent [-h HOST] [-p PORT] [-c N] [-s S]\n",
            stderr);
        return 2;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int *fd = calloc(set.clients, sizeof *fd);
    if (!fd)
        return 1;
    for (size_t i = 0; i < set.clients; i++)
        fd[i] = -1;
    double from = now();
    run(kind, fd);
    unsigned long held = 0;
    for (size_t i = 0; i < set.clients; i++)
        held += fd[i] != -1;
    printf("{\"kind\":\"%s\",\"opened\":%lu,\"refused\":%lu,\"seen_off\":%lu,\"held\":%lu,"
           "\"resets\":%lu,\"sent\":%llu,\"seconds\":%.2f}\n",
           kind->name, count.opened, count.refused, count.seen_off, held, count.resets, count.sent,
           now() - from);
    free(fd);
    return 0;
}
