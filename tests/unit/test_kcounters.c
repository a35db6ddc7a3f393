#include "sys/kcounters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/cmocka_all.h"
#include "support/data.h"

static int grows_left = -1; /* until growing fails; -1 = it never does */

void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    if (grows_left == 0)
        return NULL;
    grows_left -= grows_left > 0;
    return __real_reallocarray(p, n, size);
}

/* A file that reads well up to one of its bytes. */
static const char *fails_in; /* NULL: none */
static size_t fails_at;

struct failing {
    FILE *real;
    size_t left;
};

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

static ssize_t failing_read(void *cookie, char *buf, size_t size)
{
    struct failing *f = cookie;
    size_t n = fread(buf, 1, size < f->left ? size : f->left, f->real);
    f->left -= n;
    errno = EIO;
    return n ? (ssize_t)n : -1;
}

static int failing_close(void *cookie)
{
    struct failing *f = cookie;
    return fclose(f->real);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    static struct failing f;
    static const cookie_io_functions_t functions = {.read = failing_read, .close = failing_close};
    size_t len = fails_in ? strlen(fails_in) : 0;
    if (!fails_in || strlen(path) < len || strcmp(path + strlen(path) - len, fails_in) != 0)
        return __real_fopen(path, mode);
    f = (struct failing){__real_fopen(path, mode), fails_at};
    assert_non_null(f.real);
    return fopencookie(&f, "r", functions);
}

static void counters_have_nstats_names(void **state)
{
    char path[TSP_DATA_PATH];
    struct tsp_kcounters k;
    (void)state;
    assert_int_equal(tsp_kcounters_read(&k, tsp_data(path, "proc-usual")), 0);
    assert_int_equal(tsp_kcounters_get(&k, "TcpActiveOpens"), 17);
    assert_int_equal(tsp_kcounters_get(&k, "TcpMaxConn"), -1);
    assert_int_equal(tsp_kcounters_get(&k, "TcpOutRsts"), 10);
    assert_int_equal(tsp_kcounters_get(&k, "TcpExtTW"), 4000000000);
    assert_int_equal(tsp_kcounters_get(&k, "TcpExtTCPReqQFullDrop"), 9);
    assert_int_equal(tsp_kcounters_get(&k, "NoSuchThing"), 0);
    tsp_kcounters_clear(&k);
}

static void conntracks_counters_are_summed_over_processors(void **state)
{
    char path[TSP_DATA_PATH];
    struct tsp_kcounters k;
    (void)state;
    assert_int_equal(tsp_kcounters_read(&k, tsp_data(path, "proc-usual")), 0);
    assert_int_equal(tsp_kcounters_get(&k, "ConntrackDrop"), 256); /* hexadecimal: ff + 1 */
    assert_int_equal(tsp_kcounters_get(&k, "ConntrackInsertFailed"), 26);
    assert_int_equal(tsp_kcounters_get(&k, "ConntrackEarlyDrop"), 2);
    assert_int_equal(tsp_kcounters_get(&k, "ConntrackFound"), 3);
    assert_int_equal(tsp_kcounters_get(&k, "ConntrackEntries"), 0); /* a gauge */
    tsp_kcounters_clear(&k);
}

static void only_tcp_and_conntrack_are_read(void **state)
{
    char path[TSP_DATA_PATH];
    struct tsp_kcounters k;
    (void)state;
    assert_int_equal(tsp_kcounters_read(&k, tsp_data(path, "proc-usual")), 0);
    for (size_t i = 0; i < k.count; i++)
        if (strncmp(k.item[i].name, "Tcp", 3) != 0 && strncmp(k.item[i].name, "Conntrack", 9) != 0)
            fail_msg("%s", k.item[i].name);
    assert_int_equal(k.count, 15 + 6 + 16);
    tsp_kcounters_clear(&k);
}

static void missing_files_add_nothing(void **state)
{
    struct tsp_kcounters k;
    (void)state;
    assert_int_equal(tsp_kcounters_read(&k, "/nonexistent"), 0);
    assert_int_equal(k.count, 0);
    assert_null(k.item);
}

static void nonsense_adds_what_can_be_read(void **state)
{
    char path[TSP_DATA_PATH];
    struct tsp_kcounters k;
    (void)state;
    assert_int_equal(tsp_kcounters_read(&k, tsp_data(path, "proc-odd")), 0);
    assert_int_equal(tsp_kcounters_get(&k, "TcpActiveOpens"), 5);
    assert_int_equal(tsp_kcounters_get(&k, "TcpExtShort"), 2);
    assert_int_equal(tsp_kcounters_get(&k, "TcpExtJunk"), 0);
    assert_int_equal(tsp_kcounters_get(&k, "ConntrackDrop"), 1);
    assert_int_equal(tsp_kcounters_get(&k, "ConntrackFound"), 2);
    assert_int_equal(k.count, 5);
    tsp_kcounters_clear(&k);
}

static void this_machine_counts(void **state)
{
    struct tsp_kcounters k;
    int before = dup(0);
    (void)state;
    close(before);
    assert_int_equal(tsp_kcounters_read(&k, "/proc"), 0);
    int after = dup(0);
    close(after);
    assert_int_equal(after, before);
    assert_true(k.count > 50);
    tsp_kcounters_clear(&k);
}

static void a_difference_holds_only_what_moved(void **state)
{
    struct tsp_kcounter old[] = {
        {"TcpExtListenDrops", 5}, {"TcpExtTW", 7}, {"TcpCurrEstab", 1}, {"TcpOutRsts", 0}};
    struct tsp_kcounter new[] = {
        {"TcpExtTW", 7}, {"TcpExtListenDrops", 9}, {"TcpCurrEstab", 4}, {"TcpOutRsts", 3}};
    const struct tsp_kcounters before = {old, 4, 4}, after = {new, 4, 4};
    struct tsp_kcounters d;
    (void)state;
    assert_int_equal(tsp_kcounters_diff(&d, &after, &before), 0);
    assert_int_equal(d.count, 2);
    assert_string_equal(d.item[0].name, "TcpExtListenDrops");
    assert_int_equal(d.item[0].value, 4);
    assert_int_equal(tsp_kcounters_get(&d, "TcpOutRsts"), 3);
    tsp_kcounters_clear(&d);
}

/* Conntrack's file, say, comes with a module: what it has counted since the machine
 * started is not what it counted in the run. */
static void a_counter_whose_before_is_not_known_has_no_difference(void **state)
{
    char path[TSP_DATA_PATH];
    struct tsp_kcounters before, after, d;
    (void)state;
    assert_int_equal(tsp_kcounters_read(&before, "/nonexistent"), 0);
    assert_int_equal(tsp_kcounters_read(&after, tsp_data(path, "proc-usual")), 0);
    assert_int_equal(tsp_kcounters_diff(&d, &after, &before), 0);
    assert_int_equal(d.count, 0);
    assert_int_equal(tsp_kcounters_diff(&d, &before, &after), 0); /* nor without its after */
    assert_int_equal(d.count, 0);
    tsp_kcounters_clear(&after);
}

static void a_file_that_cannot_be_read_to_its_end_adds_nothing(void **state)
{
    char path[TSP_DATA_PATH];
    struct tsp_kcounters whole, cut;
    (void)state;
    assert_int_equal(tsp_kcounters_read(&whole, tsp_data(path, "proc-usual")), 0);
    fails_in = "net/stat/nf_conntrack";
    fails_at = 500; /* in the row of the second processor: half of every sum */
    assert_int_equal(tsp_kcounters_read(&cut, path), 0);
    assert_int_equal(cut.count, whole.count - 16);
    assert_int_equal(tsp_kcounters_get(&cut, "ConntrackFound"), 0);
    assert_int_equal(tsp_kcounters_get(&cut, "TcpActiveOpens"), 17);
    tsp_kcounters_clear(&cut);
    fails_in = "net/netstat";
    fails_at = 0;
    assert_int_equal(tsp_kcounters_read(&cut, path), 0);
    assert_int_equal(tsp_kcounters_get(&cut, "TcpExtTW"), 0);
    assert_int_equal(tsp_kcounters_get(&cut, "ConntrackFound"), 3);
    tsp_kcounters_clear(&cut);
    fails_in = NULL;
    tsp_kcounters_clear(&whole);
}

static void a_counter_that_wraps_does_not_overflow(void **state)
{
    struct tsp_kcounter old[] = {{"TcpExtTW", INT64_MAX}}, new[] = {{"TcpExtTW", INT64_MIN}};
    const struct tsp_kcounters before = {old, 1, 1}, after = {new, 1, 1};
    struct tsp_kcounters d;
    (void)state;
    assert_int_equal(tsp_kcounters_diff(&d, &after, &before), 0);
    assert_int_equal(tsp_kcounters_get(&d, "TcpExtTW"), 1);
    tsp_kcounters_clear(&d);
}

static void without_memory_nothing_is_left(void **state)
{
    char path[TSP_DATA_PATH];
    struct tsp_kcounters k, d;
    struct tsp_kcounter old[] = {{"TcpExtTW", 0}}, new[] = {{"TcpExtTW", 1}};
    const struct tsp_kcounters after = {new, 1, 1}, before = {old, 1, 1};
    int fd = dup(0);
    (void)state;
    close(fd);
    grows_left = 0;
    assert_int_equal(tsp_kcounters_read(&k, tsp_data(path, "proc-usual")), -ENOMEM);
    assert_null(k.item);
    assert_int_equal(k.count, 0);
    assert_int_equal(tsp_kcounters_diff(&d, &after, &before), -ENOMEM);
    assert_null(d.item);
    grows_left = 1; /* 128 fit, what /proc has does not */
    assert_int_equal(tsp_kcounters_read(&k, "/proc"), -ENOMEM);
    assert_null(k.item);
    grows_left = -1;
    int after_fd = dup(0);
    close(after_fd);
    assert_int_equal(after_fd, fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_have_nstats_names),
        cmocka_unit_test(conntracks_counters_are_summed_over_processors),
        cmocka_unit_test(only_tcp_and_conntrack_are_read),
        cmocka_unit_test(missing_files_add_nothing),
        cmocka_unit_test(nonsense_adds_what_can_be_read),
        cmocka_unit_test(this_machine_counts),
        cmocka_unit_test(a_difference_holds_only_what_moved),
        cmocka_unit_test(a_counter_whose_before_is_not_known_has_no_difference),
        cmocka_unit_test(a_file_that_cannot_be_read_to_its_end_adds_nothing),
        cmocka_unit_test(a_counter_that_wraps_does_not_overflow),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests_name("kcounters", tests, NULL, NULL);
}
