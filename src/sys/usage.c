#include "sys/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static int64_t to_ns(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

static void from_kernel(struct tsp_usage *u, int who)
{
    struct rusage r = {0};
    if (getrusage(who, &r) == -1)
        r = (struct rusage){0};
    *u = (struct tsp_usage){.user_ns = to_ns(r.ru_utime), .system_ns = to_ns(r.ru_stime)};
}

/* The second number of a file of one line; 0 when it does not say. */
static int64_t second_number(const char *path)
{
    char text[128];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    long long number = 0;
    text[n > 0 ? n : 0] = '\0';
    return sscanf(text, "%*u %18lld", &number) == 1 && number > 0 ? number : 0;
}

void tsp_usage_process(struct tsp_usage *u)
{
    from_kernel(u, RUSAGE_SELF);
}

void tsp_usage_thread(struct tsp_usage *u)
{
    from_kernel(u, RUSAGE_THREAD);
    u->wait_ns = second_number("/proc/thread-self/schedstat");
}

int64_t tsp_usage_rss(void)
{
    int64_t pages = second_number("/proc/self/statm");
    int64_t page = sysconf(_SC_PAGESIZE);
    return pages < INT64_MAX / page ? pages * page : 0;
}
