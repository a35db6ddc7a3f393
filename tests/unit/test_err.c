#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "support/cmocka_all.h"

static void a_failure_says_what_and_why(void **state)
{
    (void)state;
    struct tsp_err err;
    assert_int_equal(tsp_fail(&err, EADDRINUSE, "listen on %s", "127.0.0.1:7000"), -EADDRINUSE);
    assert_int_equal(err.code, EADDRINUSE);
    assert_string_equal(err.msg, "listen on 127.0.0.1:7000: Address already in use");
}

static void a_failure_without_a_sentence_of_its_own_has_only_the_reason(void **state)
{
    (void)state;
    struct tsp_err err;
    tsp_fail(&err, ENOENT, "%s", "");
    assert_string_equal(err.msg, "No such file or directory");
}

static void a_refusal_says_only_what_it_is_told(void **state)
{
    (void)state;
    struct tsp_err err;
    assert_int_equal(tsp_refuse(&err, EINVAL, "must be %d .. %d", 1, 9), -EINVAL);
    assert_int_equal(err.code, EINVAL);
    assert_string_equal(err.msg, "must be 1 .. 9");
}

static void who_wants_no_sentence_still_gets_the_code(void **state)
{
    (void)state;
    assert_int_equal(tsp_fail(NULL, EPERM, "bind"), -EPERM);
    assert_int_equal(tsp_refuse(NULL, EINVAL, "no"), -EINVAL);
}

static void a_sentence_that_is_too_long_is_cut_and_ended(void **state)
{
    (void)state;
    struct tsp_err err;
    char name[600];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    tsp_fail(&err, ENOENT, "open %s", name);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    assert_memory_equal(err.msg, "open xxx", 8);
    tsp_refuse(&err, ENOENT, "%s", name);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
}

static void a_long_name_is_shortened_in_its_middle(void **state)
{
    (void)state;
    char buf[TSP_NAME_TEXT], name[600];
    memset(name, 'x', sizeof name);
    name[TSP_NAME_TEXT - 1] = '\0';
    assert_string_equal(tsp_shorten(buf, name), name);
    assert_string_equal(tsp_shorten(buf, ""), "");
    memset(name, 'x', sizeof name);
    memcpy(name, "first", 5);
    strcpy(name + sizeof name - 5, "last");
    tsp_shorten(buf, name);
    assert_int_equal(strlen(buf), TSP_NAME_TEXT - 1);
    assert_memory_equal(buf, "firstxx", 7);
    assert_non_null(strstr(buf, "xx...xx"));
    assert_string_equal(buf + TSP_NAME_TEXT - 7, "xxlast");
}

static void a_name_is_not_cut_within_a_character(void **state)
{
    (void)state;
    char buf[TSP_NAME_TEXT], name[301] = "";
    for (size_t i = 0; i < 300; i += 3)
        memcpy(name + i, "\xe2\x82\xac", 3); /* the euro sign */
    tsp_shorten(buf, name);
    const char *dots = strstr(buf, "...");
    assert_non_null(dots);
    assert_memory_equal(dots - 3, "\xe2\x82\xac...\xe2\x82\xac", 9);
}

static void an_errno_has_a_name_or_a_number(void **state)
{
    (void)state;
    assert_string_equal(tsp_errno_name(EPROTO), "EPROTO");
    assert_string_equal(tsp_errno_name(ECONNRESET), "ECONNRESET");
    assert_string_equal(tsp_errno_name(4711), "errno 4711");
    assert_string_equal(tsp_errno_name(0), "errno 0");
    assert_string_equal(tsp_errno_name(-1), "errno -1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_says_what_and_why),
        cmocka_unit_test(a_failure_without_a_sentence_of_its_own_has_only_the_reason),
        cmocka_unit_test(a_refusal_says_only_what_it_is_told),
        cmocka_unit_test(who_wants_no_sentence_still_gets_the_code),
        cmocka_unit_test(a_sentence_that_is_too_long_is_cut_and_ended),
        cmocka_unit_test(a_long_name_is_shortened_in_its_middle),
        cmocka_unit_test(a_name_is_not_cut_within_a_character),
        cmocka_unit_test(an_errno_has_a_name_or_a_number),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
