#include "sys/limits.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PORTS 65536

/* Linux before 6.14 waits a second before it reuses a TIME_WAIT, and has no
 * file that says so. */
#define OLD_REUSE_DELAY_MS 1000

/* A listening socket's state in /proc/net/tcp. */
#define TCP_LISTEN_STATE 0x0A

static FILE *open_in(const char *proc, const char *name)
{
    char path[512];
    int n = snprintf(path, sizeof path, "%s/%s", proc, name);
    return n > 0 && (size_t)n < sizeof path ? fopen(path, "re") : NULL;
}

/* Reads a non-negative number; false when there is none, or none that fits. */
static bool parse_number(const char *text, char **end, int64_t *out)
{
    text += strspn(text, " \t");
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    long long n = strtoll(text, end, 10);
    if (errno)
        return false;
    *out = n;
    return true;
}

/* The first one or two numbers of a file; -1 for what is not there. */
static void read_numbers(const char *proc, const char *name, int64_t *first, int64_t *second)
{
    char text[128] = "", *end = text;
    FILE *f = open_in(proc, name);
    if (f) {
        if (!fgets(text, sizeof text, f))
            text[0] = '\0';
        fclose(f);
    }
    if (!parse_number(text, &end, first))
        *first = -1;
    if (second && (*first == -1 || !parse_number(end, &end, second)))
        *second = -1;
}

static int64_t read_number(const char *proc, const char *name)
{
    int64_t n;
    read_numbers(proc, name, &n, NULL);
    return n;
}

/* The number after word in the line of a file that starts with head: "tw" in
 * "TCP: inuse 1 orphan 0 tw 7", "" in "MemAvailable:  123 kB". */
static int64_t read_named(const char *proc, const char *name, const char *head, const char *word)
{
    int64_t found = -1;
    char line[256], *end;
    FILE *f = open_in(proc, name);
    if (!f)
        return -1;
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, head, strlen(head)) != 0)
            continue;
        const char *at = strstr(line + strlen(head), word);
        if (!at || !parse_number(at + strlen(word), &end, &found))
            found = -1;
        break;
    }
    fclose(f);
    return found;
}

static int64_t count_descriptors(const char *proc)
{
    char path[512];
    snprintf(path, sizeof path, "%s/self/fd", proc);
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    int64_t count = 0;
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
        count += e->d_name[0] != '.';
    closedir(dir);
    return count > 0 ? count - 1 : 0; /* without that of opendir itself */
}

int64_t tsp_limits_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    return sysconf(_SC_NPROCESSORS_ONLN); /* more than 1024: the set is too small */
}

static int64_t limit_number(rlim_t limit)
{
    return limit > (rlim_t)INT64_MAX ? INT64_MAX : (int64_t)limit; /* RLIM_INFINITY */
}

static void set_ports(uint8_t map[8192], int64_t lo, int64_t hi)
{
    for (int64_t p = lo; p <= hi && p < PORTS; p++)
        map[p / 8] = (uint8_t)(map[p / 8] | 1u << p % 8);
}

/* "8080,9148-9150" of any length. */
static void read_reserved(uint8_t map[8192], const char *proc)
{
    FILE *f = open_in(proc, "sys/net/ipv4/ip_local_reserved_ports");
    char *text = NULL, *at;
    size_t room = 0;
    if (!f)
        return;
    if (getline(&text, &room, f) > 0) {
        int64_t lo, hi;
        for (at = text; parse_number(at, &at, &lo); at++) {
            hi = lo;
            if (*at == '-' && !parse_number(at + 1, &at, &hi))
                break;
            set_ports(map, lo, hi);
            if (*at != ',')
                break;
        }
    }
    free(text);
    fclose(f);
}

static int64_t count_ports(const uint8_t map[8192], int64_t lo, int64_t hi)
{
    int64_t count = 0;
    for (int64_t p = lo; p >= 0 && p <= hi && p < PORTS; p++)
        count += map[p / 8] >> p % 8 & 1;
    return count;
}

/* The kernel lists listening sockets before all others, so reading ends at the
 * first of another state: behind it may stand 100,000 in TIME_WAIT. */
static void read_listeners(uint8_t map[8192], const char *proc, const char *name)
{
    FILE *f = open_in(proc, name);
    char line[512];
    if (!f)
        return;
    bool more = fgets(line, sizeof line, f) != NULL; /* the headings */
    while (more && fgets(line, sizeof line, f)) {
        unsigned port, state;
        more = sscanf(line, "%*[ 0-9]: %*[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*4x %2x", &port, &state) ==
                   2 &&
               state == TCP_LISTEN_STATE;
        if (more)
            set_ports(map, port, port);
    }
    fclose(f);
}

void tsp_limits_read(struct tsp_limits *l, const char *proc)
{
    uint8_t reserved[8192] = {0};
    struct rlimit files;
    bool known = getrlimit(RLIMIT_NOFILE, &files) == 0;
    l->nofile_soft = known ? limit_number(files.rlim_cur) : -1;
    l->nofile_hard = known ? limit_number(files.rlim_max) : -1;
    l->nofile_used = count_descriptors(proc);
    l->nr_open = read_number(proc, "sys/fs/nr_open");
    l->cpus = tsp_limits_cpus();
    read_numbers(proc, "sys/net/ipv4/ip_local_port_range", &l->port_lo, &l->port_hi);
    read_reserved(reserved, proc);
    l->ports_reserved = count_ports(reserved, l->port_lo, l->port_hi);
    l->tw_reuse = read_number(proc, "sys/net/ipv4/tcp_tw_reuse");
    l->tw_reuse_delay_ms = read_number(proc, "sys/net/ipv4/tcp_tw_reuse_delay");
    if (l->tw_reuse_delay_ms == -1)
        l->tw_reuse_delay_ms = OLD_REUSE_DELAY_MS;
    l->tw_max = read_number(proc, "sys/net/ipv4/tcp_max_tw_buckets");
    l->tw_now = read_named(proc, "net/sockstat", "TCP:", " tw ");
    l->timestamps = read_number(proc, "sys/net/ipv4/tcp_timestamps");
    l->somaxconn = read_number(proc, "sys/net/core/somaxconn");
    l->syn_backlog = read_number(proc, "sys/net/ipv4/tcp_max_syn_backlog");
    l->syncookies = read_number(proc, "sys/net/ipv4/tcp_syncookies");
    l->conntrack_max = read_number(proc, "sys/net/netfilter/nf_conntrack_max");
    l->conntrack_count = read_number(proc, "sys/net/netfilter/nf_conntrack_count");
    int64_t kib = read_named(proc, "meminfo", "MemAvailable:", "");
    l->memory_free = kib >= 0 && kib <= INT64_MAX / 1024 ? kib * 1024 : -1;
}

int64_t tsp_limits_nofile(void)
{
    struct rlimit files;
    return getrlimit(RLIMIT_NOFILE, &files) == 0 ? limit_number(files.rlim_cur) : -1;
}

int64_t tsp_limits_raise_nofile(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == -1)
        return -1;
    rlim_t before = files.rlim_cur;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) == -1)
        files.rlim_cur = before;
    return limit_number(files.rlim_cur);
}

void tsp_limits_taken_ports(uint8_t map[8192], const char *proc)
{
    read_reserved(map, proc);
    read_listeners(map, proc, "net/tcp");
    read_listeners(map, proc, "net/tcp6");
}
