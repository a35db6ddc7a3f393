#include "sys/limits.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/cmocka_all.h"
#include "support/data.h"

int __real_setrlimit(__rlimit_resource_t what, const struct rlimit *limit);
int __wrap_setrlimit(__rlimit_resource_t what, const struct rlimit *limit);

/* 0 from the test means: use the real call. */
int __wrap_setrlimit(__rlimit_resource_t what, const struct rlimit *limit)
{
    int code = mock_type(int);
    if (code == 0)
        return __real_setrlimit(what, limit);
    errno = code;
    return -1;
}

static int next_fd(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static bool taken(const uint8_t *map, unsigned port)
{
    return map[port / 8] >> port % 8 & 1;
}

static unsigned count(const uint8_t *map)
{
    unsigned n = 0;
    for (unsigned port = 0; port < 65536; port++)
        n += taken(map, port);
    return n;
}

static void a_usual_machine_is_read_in_full(void **state)
{
    char path[TSP_DATA_PATH];
    struct tsp_limits l;
    int before = next_fd();
    (void)state;
    tsp_limits_read(&l, tsp_data(path, "proc-usual"));
    assert_int_equal(l.nofile_used, 3); /* four files, one of them for looking */
    assert_int_equal(l.nr_open, 1048576);
    assert_int_equal(l.port_lo, 32768);
    assert_int_equal(l.port_hi, 60999);
    assert_int_equal(l.ports_reserved, 11); /* 33000-33009 and 60999; the others are outside */
    assert_int_equal(l.tw_reuse, 2);
    assert_int_equal(l.tw_reuse_delay_ms, 500);
    assert_int_equal(l.tw_max, 131072);
    assert_int_equal(l.tw_now, 4321);
    assert_int_equal(l.timestamps, 1);
    assert_int_equal(l.somaxconn, 4096);
    assert_int_equal(l.syn_backlog, 2048);
    assert_int_equal(l.syncookies, 1);
    assert_int_equal(l.conntrack_max, 262144);
    assert_int_equal(l.conntrack_count, 17);
    assert_int_equal(l.memory_free, 3500000ll * 1024);
    assert_int_equal(next_fd(), before);
}

static void what_the_machine_does_not_say_is_unknown(void **state)
{
    struct tsp_limits l;
    (void)state;
    memset(&l, 0, sizeof l);
    tsp_limits_read(&l, "/nonexistent");
    const int64_t unknown[] = {l.nofile_used,     l.port_lo,    l.port_hi,     l.tw_reuse,
                               l.tw_max,          l.tw_now,     l.timestamps,  l.somaxconn,
                               l.syn_backlog,     l.syncookies, l.memory_free, l.conntrack_max,
                               l.conntrack_count, l.nr_open};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (unknown[i] != -1)
            fail_msg("figure %zu is %lld", i, (long long)unknown[i]);
    assert_int_equal(l.tw_reuse_delay_ms, 1000); /* before Linux 6.14 */
    assert_int_equal(l.ports_reserved, 0);
}

static void nonsense_is_unknown(void **state)
{
    char path[TSP_DATA_PATH];
    struct tsp_limits l;
    (void)state;
    tsp_limits_read(&l, tsp_data(path, "proc-odd"));
    assert_int_equal(l.port_lo, -1);
    assert_int_equal(l.port_hi, -1);
    assert_int_equal(l.tw_reuse, -1);
    assert_int_equal(l.tw_max, -1);
    assert_int_equal(l.somaxconn, -1);
    assert_int_equal(l.tw_now, -1);
    assert_int_equal(l.memory_free, -1);
}

static void this_machine_has_processors_and_descriptors(void **state)
{
    struct tsp_limits l;
    struct rlimit files;
    (void)state;
    tsp_limits_read(&l, "/proc");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    assert_true(l.cpus >= 1);
    assert_int_equal(l.nofile_soft, files.rlim_cur);
    int fd = dup(0), used = (int)l.nofile_used;
    tsp_limits_read(&l, "/proc");
    assert_int_equal(l.nofile_used, used + 1);
    close(fd);
}

static void the_soft_limit_is_raised_to_the_hard_one(void **state)
{
    struct rlimit files, low, now;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    low = files;
    low.rlim_cur = 64;
    assert_int_equal(__real_setrlimit(RLIMIT_NOFILE, &low), 0);
    will_return(__wrap_setrlimit, EPERM);
    assert_int_equal(tsp_limits_raise_nofile(), 64); /* refused: what is in force */
    assert_int_equal(tsp_limits_nofile(), 64);
    will_return(__wrap_setrlimit, 0);
    assert_int_equal(tsp_limits_raise_nofile(), files.rlim_max);
    assert_int_equal(tsp_limits_nofile(), files.rlim_max);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    assert_int_equal(now.rlim_cur, files.rlim_max);
    __real_setrlimit(RLIMIT_NOFILE, &files);
}

static void reserved_and_listening_ports_are_taken(void **state)
{
    char path[TSP_DATA_PATH];
    uint8_t map[8192] = {0};
    (void)state;
    tsp_limits_taken_ports(map, tsp_data(path, "proc-usual"));
    assert_true(taken(map, 1023));
    assert_true(taken(map, 8080));
    assert_true(taken(map, 33000));
    assert_true(taken(map, 33009));
    assert_false(taken(map, 33010));
    assert_true(taken(map, 2024));   /* listens, IPv4 */
    assert_true(taken(map, 2345));   /* listens on loopback */
    assert_true(taken(map, 80));     /* listens, IPv6 */
    assert_false(taken(map, 50000)); /* in TIME_WAIT */
    assert_int_equal(count(map), 16);
}

static void a_bit_that_is_set_stays_set(void **state)
{
    char path[TSP_DATA_PATH];
    uint8_t map[8192] = {0};
    (void)state;
    map[0] = 2;
    tsp_limits_taken_ports(map, tsp_data(path, "proc-odd"));
    assert_true(taken(map, 1));
    assert_true(taken(map, 12)); /* the one port in a list of nonsense */
    assert_int_equal(count(map), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_usual_machine_is_read_in_full),
        cmocka_unit_test(what_the_machine_does_not_say_is_unknown),
        cmocka_unit_test(nonsense_is_unknown),
        cmocka_unit_test(this_machine_has_processors_and_descriptors),
        cmocka_unit_test(the_soft_limit_is_raised_to_the_hard_one),
        cmocka_unit_test(reserved_and_listening_ports_are_taken),
        cmocka_unit_test(a_bit_that_is_set_stays_set),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
