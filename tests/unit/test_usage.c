#include "sys/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/cmocka_all.h"

static const char *instead; /* what a file of /proc says; NULL = the real one, "" = it is missing */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
    int ends[2];
    if (!instead)
        return __real_open(path, flags);
    if (*instead == '\0' || pipe(ends) == -1) {
        errno = ENOENT;
        return -1;
    }
    ssize_t n = write(ends[1], instead, strlen(instead));
    close(ends[1]);
    return n > 0 ? ends[0] : -1;
}

/* Spends processor time until done says so; false after two seconds of it. */
static bool spin(bool (*done)(void))
{
    int64_t until = tsp_now_ns() + 2 * TSP_SECOND;
    while (!done())
        if (tsp_now_ns() > until)
            return false;
    return true;
}

static struct tsp_usage at_start;

static bool process_used_more(void)
{
    struct tsp_usage u;
    tsp_usage_process(&u);
    return u.user_ns + u.system_ns >= at_start.user_ns + at_start.system_ns + TSP_MS;
}

static bool thread_used_more(void)
{
    struct tsp_usage u;
    tsp_usage_thread(&u);
    return u.user_ns + u.system_ns >= at_start.user_ns + at_start.system_ns + TSP_MS;
}

static void work_shows_in_the_process(void **state)
{
    (void)state;
    tsp_usage_process(&at_start);
    assert_int_equal(at_start.wait_ns, 0);
    assert_true(spin(process_used_more));
}

static void work_shows_in_the_thread(void **state)
{
    struct tsp_usage u;
    (void)state;
    tsp_usage_thread(&at_start);
    assert_true(spin(thread_used_more));
    tsp_usage_thread(&u);
    assert_true(u.user_ns + u.system_ns < 60 * TSP_SECOND);
}

static void the_wait_for_a_processor_is_the_second_number(void **state)
{
    struct tsp_usage u;
    int before = dup(0);
    (void)state;
    close(before);
    instead = "123456 7890123 45\n";
    tsp_usage_thread(&u);
    assert_int_equal(u.wait_ns, 7890123);
    instead = "nonsense\n";
    tsp_usage_thread(&u);
    assert_int_equal(u.wait_ns, 0);
    instead = "1 -5 3\n";
    tsp_usage_thread(&u);
    assert_int_equal(u.wait_ns, 0);
    instead = "";
    tsp_usage_thread(&u);
    assert_int_equal(u.wait_ns, 0);
    instead = NULL;
    int after = dup(0);
    close(after);
    assert_int_equal(after, before);
}

static void memory_that_is_touched_is_resident(void **state)
{
    size_t size = 32 << 20;
    (void)state;
    int64_t before = tsp_usage_rss();
    assert_true(before > 0);
    char *block = malloc(size);
    assert_non_null(block);
    for (size_t i = 0; i < size; i += 1024)
        ((volatile char *)block)[i] = 1;
    assert_true(tsp_usage_rss() >= before + (16 << 20));
    free(block);
}

static void resident_memory_is_in_bytes(void **state)
{
    (void)state;
    instead = "1000 25 3 4 5 6 7\n";
    assert_int_equal(tsp_usage_rss(), 25 * sysconf(_SC_PAGESIZE));
    instead = "1000 999999999999999999 3\n";
    assert_int_equal(tsp_usage_rss(), 0);
    instead = "";
    assert_int_equal(tsp_usage_rss(), 0);
    instead = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_shows_in_the_process),
        cmocka_unit_test(work_shows_in_the_thread),
        cmocka_unit_test(the_wait_for_a_processor_is_the_second_number),
        cmocka_unit_test(memory_that_is_touched_is_resident),
        cmocka_unit_test(resident_memory_is_in_bytes),
    };
    return cmocka_run_group_tests_name("usage", tests, NULL, NULL);
}
