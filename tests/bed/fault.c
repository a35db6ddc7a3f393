/* fault.c - makes chosen libc calls fail, for torture runs from outside.
 *
 *   LD_PRELOAD=fault.so FAULT='accept4=EMFILE@5+10,read=EINTR%3,write=short%2' PROGRAM
 *     CALL=ERR@N     the Nth call fails (1 = the first)     CALL=ERR@N+K  K calls from the Nth on
 *     CALL=ERR%M     every Mth call fails                   ERR "short": one byte at most
 *   FAULT_NTH=N      the Nth fallible call of the whole run fails, with its commonest error
 *   FAULT_COUNT=FILE the number of fallible calls made is written there at exit
 * The calls are the rows of `calls` below. Counting is atomic; any thread may call.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* X(call, the error it commonly fails with) */
#define CALLS(X)                                                                                   \
    X(socket, EMFILE)                                                                              \
    X(connect, EADDRNOTAVAIL)                                                                      \
    X(accept4, EMFILE)                                                                             \
    X(bind, EADDRINUSE)                                                                            \
    X(listen, EADDRINUSE)                                                                          \
    X(setsockopt, ENOPROTOOPT)                                                                     \
    X(getsockopt, ENOTCONN)                                                                        \
    X(shutdown, ENOTCONN)                                                                          \
    X(read, ECONNRESET)                                                                            \
    X(write, EPIPE)                                                                                \
    X(send, EPIPE)                                                                                 \
    X(recv, ECONNRESET)                                                                            \
    X(epoll_ctl, ENOMEM)                                                                           \
    X(epoll_wait, EINTR)                                                                           \
    X(epoll_create1, EMFILE)                                                                       \
    X(timerfd_create, EMFILE)                                                                      \
    X(fcntl, EINVAL)                                                                               \
    X(open, EMFILE)                                                                                \
    X(malloc, ENOMEM)                                                                              \
    X(calloc, ENOMEM)                                                                              \
    X(realloc, ENOMEM)

enum call {
#define X(name, error) CALL_##name,
    CALLS(X)
#undef X
        CALL_COUNT
};

static const struct {
    const char *name;
    int error;
} calls[CALL_COUNT] = {
#define X(name, error) {#name, error},
    CALLS(X)
#undef X
};

/* Stands for "one byte at most" where an errno value stands for a failure. */
#define SHORT (-1)

struct rule {
    int error; /* 0: no rule */
    unsigned long from, count;
    unsigned long every; /* 0: from and count decide */
};

static struct rule rules[CALL_COUNT];
static atomic_ulong made[CALL_COUNT], made_in_all;
static unsigned long failing_call;
static const char *count_file;
static int ready;
/* Calls this library makes itself, dlsym's among them, are not counted. */
static __thread int inside;

static int error_named(const char *name, size_t len)
{
    static const int known[] = {
        EMFILE,       ENFILE,    ENOMEM,       ENOBUFS,     EADDRNOTAVAIL, EADDRINUSE,
        EINTR,        EAGAIN,    EPIPE,        EIO,         ECONNABORTED,  ECONNRESET,
        ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EPROTO,        EPERM,
        EACCES,       ENOTCONN,  ENOSPC,       EINVAL,      ENOPROTOOPT,
    };
    if (len == strlen("short") && memcmp(name, "short", len) == 0)
        return SHORT;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const char *is = strerrorname_np(known[i]);
        if (is && strlen(is) == len && memcmp(is, name, len) == 0)
            return known[i];
    }
    return 0;
}

static int call_named(const char *name, size_t len)
{
    for (int i = 0; i < CALL_COUNT; i++)
        if (strlen(calls[i].name) == len && memcmp(calls[i].name, name, len) == 0)
            return i;
    return -1;
}

static void refuse(const char *where)
{
    fprintf(stderr, "fault: cannot read '%s'\n", where);
    _exit(2);
}

/* Reads one "CALL=ERR…" and returns where it ends. */
static const char *read_rule(const char *text)
{
    size_t name_len = strcspn(text, "=");
    int call = call_named(text, name_len);
    if (call == -1 || !text[name_len])
        refuse(text);
    const char *error = text + name_len + 1;
    size_t error_len = strcspn(error, "@%,");
    struct rule rule = {.error = error_named(error, error_len), .from = 1, .count = 1};
    if (!rule.error)
        refuse(error);
    const char *at = error + error_len;
    char *end = (char *)(uintptr_t)at;
    if (*at == '@')
        rule.from = strtoul(at + 1, &end, 10);
    if (*at == '@' && *end == '+')
        rule.count = strtoul(end + 1, &end, 10);
    if (*at == '%')
        rule.every = strtoul(at + 1, &end, 10);
    rules[call] = rule;
    return *end == ',' ? end + 1 : end;
}

static void write_counts(void)
{
    if (!count_file)
        return;
    inside++;
    FILE *f = fopen(count_file, "w");
    if (f) {
        fprintf(f, "%lu\n", atomic_load(&made_in_all));
        for (int i = 0; i < CALL_COUNT; i++)
            if (atomic_load(&made[i]))
                fprintf(f, "%s %lu\n", calls[i].name, atomic_load(&made[i]));
        fclose(f);
    }
    inside--;
}

__attribute__((constructor)) static void start(void)
{
    inside++;
    const char *text = getenv("FAULT");
    const char *nth = getenv("FAULT_NTH");
    count_file = getenv("FAULT_COUNT");
    if (nth)
        failing_call = strtoul(nth, NULL, 10);
    while (text && *text)
        text = read_rule(text);
    atexit(write_counts);
    ready = 1;
    inside--;
}

/* What becomes of this call: 0 go on, SHORT one byte, else the error to give. */
static int fate(enum call call)
{
    if (!ready || inside)
        return 0;
    unsigned long n = atomic_fetch_add(&made[call], 1) + 1;
    unsigned long in_all = atomic_fetch_add(&made_in_all, 1) + 1;
    if (failing_call && in_all == failing_call)
        return calls[call].error;
    const struct rule *r = &rules[call];
    int hit = r->every ? n % r->every == 0 : n >= r->from && n < r->from + r->count;
    return hit ? r->error : 0;
}

static void *next_symbol(const char *name)
{
    inside++;
    void *symbol = dlsym(RTLD_NEXT, name);
    inside--;
    return symbol;
}

/* 1: the call fails, and errno says how. */
static int fails(enum call call)
{
    int error = fate(call);
    if (error > 0)
        errno = error;
    return error > 0;
}

/* As fails(), and cuts a transfer of *len bytes short where the rule says so. */
static int fails_or_cuts(enum call call, size_t *len)
{
    int error = fate(call);
    if (error == SHORT && *len > 1)
        *len = 1;
    if (error > 0)
        errno = error;
    return error > 0;
}

/* `real`: the function this one stands in front of, looked up once. Two threads
 * may both look: they find the same. */
#define REAL(name)                                                                                 \
    static __typeof__(name) *real;                                                                 \
    if (!real)                                                                                     \
    *(void **)&real = next_symbol(#name)

int socket(int domain, int type, int protocol)
{
    REAL(socket);
    return fails(CALL_socket) ? -1 : real(domain, type, protocol);
}

/* sys/socket.h declares addresses as a union of pointers under _GNU_SOURCE. */
int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t len)
{
    REAL(connect);
    return fails(CALL_connect) ? -1 : real(fd, to, len);
}

int accept4(int fd, __SOCKADDR_ARG from, socklen_t *restrict len, int flags)
{
    REAL(accept4);
    return fails(CALL_accept4) ? -1 : real(fd, from, len, flags);
}

int bind(int fd, __CONST_SOCKADDR_ARG at, socklen_t len)
{
    REAL(bind);
    return fails(CALL_bind) ? -1 : real(fd, at, len);
}

int listen(int fd, int backlog)
{
    REAL(listen);
    return fails(CALL_listen) ? -1 : real(fd, backlog);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
    REAL(setsockopt);
    return fails(CALL_setsockopt) ? -1 : real(fd, level, option, value, len);
}

int getsockopt(int fd, int level, int option, void *restrict value, socklen_t *restrict len)
{
    REAL(getsockopt);
    return fails(CALL_getsockopt) ? -1 : real(fd, level, option, value, len);
}

int shutdown(int fd, int how)
{
    REAL(shutdown);
    return fails(CALL_shutdown) ? -1 : real(fd, how);
}

ssize_t read(int fd, void *buffer, size_t len)
{
    REAL(read);
    return fails_or_cuts(CALL_read, &len) ? -1 : real(fd, buffer, len);
}

/* stdin, stdout and stderr are spared: what the program prints is looked at. */
ssize_t write(int fd, const void *buffer, size_t len)
{
    REAL(write);
    return fd > 2 && fails_or_cuts(CALL_write, &len) ? -1 : real(fd, buffer, len);
}

ssize_t send(int fd, const void *buffer, size_t len, int flags)
{
    REAL(send);
    return fails_or_cuts(CALL_send, &len) ? -1 : real(fd, buffer, len, flags);
}

ssize_t recv(int fd, void *buffer, size_t len, int flags)
{
    REAL(recv);
    return fails_or_cuts(CALL_recv, &len) ? -1 : real(fd, buffer, len, flags);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    REAL(epoll_ctl);
    return fails(CALL_epoll_ctl) ? -1 : real(epoll, operation, fd, event);
}

int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
    REAL(epoll_wait);
    return fails(CALL_epoll_wait) ? -1 : real(epoll, events, max, timeout);
}

int epoll_create1(int flags)
{
    REAL(epoll_create1);
    return fails(CALL_epoll_create1) ? -1 : real(flags);
}

int timerfd_create(int clock, int flags)
{
    REAL(timerfd_create);
    return fails(CALL_timerfd_create) ? -1 : real(clock, flags);
}

/* The third argument of fcntl is an int or a pointer: passed on as a word. */
int fcntl(int fd, int command, ...)
{
    REAL(fcntl);
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    return fails(CALL_fcntl) ? -1 : real(fd, command, argument);
}

int open(const char *path, int flags, ...)
{
    REAL(open);
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    return fails(CALL_open) ? -1 : real(path, flags, mode);
}

/* dlsym itself allocates, so these reach past it, to glibc's own names. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    return fails(CALL_malloc) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails(CALL_calloc) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails(CALL_realloc) ? NULL : __libc_realloc(old, size);
}
