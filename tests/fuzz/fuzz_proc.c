/* Property: whatever files of /proc say, limits are figures or -1, and counters
 * are a bounded list of names that end. The input stands in every file that is
 * read, in a directory of its own.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/kcounters.h"
#include "sys/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const dirs[] = {"",        "net",          "net/stat",          "sys",
                                   "sys/net", "sys/net/ipv4", "sys/net/netfilter", "sys/net/core"};

static const char *const files[] = {
    "net/snmp",
    "net/netstat",
    "net/stat/nf_conntrack",
    "net/sockstat",
    "net/tcp",
    "net/tcp6",
    "meminfo",
    "sys/net/ipv4/ip_local_port_range",
    "sys/net/ipv4/ip_local_reserved_ports",
    "sys/net/ipv4/tcp_tw_reuse",
    "sys/net/core/somaxconn",
    "sys/net/netfilter/nf_conntrack_max",
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static char root[] = "/tmp/tspam-fuzz-XXXXXX";

static char *inside(char path[128], const char *name)
{
    snprintf(path, 128, "%s/%s", root, name);
    return path;
}

static void must_hold(bool property)
{
    if (!property)
        abort();
}

static void remove_tree(void)
{
    char path[128];
    for (size_t i = 0; i < COUNT(files); i++)
        unlink(inside(path, files[i]));
    for (size_t i = COUNT(dirs); i > 0; i--)
        rmdir(inside(path, dirs[i - 1]));
}

static void make_tree(void)
{
    static bool made;
    char path[128];
    if (made)
        return;
    must_hold(mkdtemp(root) != NULL);
    for (size_t i = 1; i < COUNT(dirs); i++)
        must_hold(mkdir(inside(path, dirs[i]), 0700) == 0);
    atexit(remove_tree);
    made = true;
}

static void check_limits(void)
{
    struct tsp_limits l;
    static uint8_t map[8192];
    tsp_limits_read(&l, root);
    const int64_t figures[] = {l.port_lo,   l.port_hi,       l.tw_reuse,   l.tw_now,
                               l.somaxconn, l.conntrack_max, l.memory_free};
    for (size_t i = 0; i < COUNT(figures); i++)
        must_hold(figures[i] >= -1);
    must_hold(l.ports_reserved >= 0 && l.ports_reserved <= 65536);
    tsp_limits_taken_ports(map, root);
}

static void check_counters(void)
{
    struct tsp_kcounters k, d;
    must_hold(tsp_kcounters_read(&k, root) == 0);
    must_hold(k.count <= 1024 && k.count <= k.room);
    for (size_t i = 0; i < k.count; i++)
        must_hold(memchr(k.item[i].name, '\0', sizeof k.item[i].name) != NULL);
    must_hold(tsp_kcounters_diff(&d, &k, &k) == 0);
    must_hold(d.count == 0);
    tsp_kcounters_clear(&d);
    tsp_kcounters_clear(&k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[128];
    make_tree();
    for (size_t i = 0; i < COUNT(files); i++) {
        FILE *f = fopen(inside(path, files[i]), "we");
        must_hold(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
    }
    check_limits();
    check_counters();
    return 0;
}
