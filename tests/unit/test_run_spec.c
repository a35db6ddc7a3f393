/* What a load may be asked to do: defaults, and every refusal word for word. */
#include "client/spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "support/cmocka_all.h"

static struct tsp_run_spec presets(void)
{
    struct tsp_run_spec spec = {0};
    for (const struct tsp_field *f = tsp_run_fields; f->name; f++)
        tsp_field_store_preset(f, &spec);
    return spec;
}

/* "rate=5 length=2s stages": stages is a list of one. */
static struct tsp_run_spec spec_of(const char *words)
{
    static struct tsp_field_stage stage = {
        .rate = 5, .rate_to = TSP_UNSET, .length_ns = TSP_SECOND};
    static char text[200];
    struct tsp_run_spec spec = presets();
    snprintf(text, sizeof text, "%s", words);
    for (char *rest, *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        struct tsp_err err = {0};
        char *value = strchr(word, '=');
        if (!value) {
            spec.stages = (struct tsp_stage_list){&stage, 1};
            continue;
        }
        *value = '\0';
        if (tsp_field_store_text(tsp_field_find(tsp_run_fields, word), value + 1, &spec, &err))
            fail_msg("%s: %s", words, err.msg);
    }
    return spec;
}

static void what_is_not_given_has_the_defaults_of_the_interface(void **state)
{
    (void)state;
    struct tsp_run_spec s = spec_of("rate=5");
    assert_int_equal(tsp_run_spec_check(&s, NULL), 0);
    assert_string_equal(s.host, "127.0.0.1");
    assert_int_equal(s.port.lo, 2345);
    assert_int_equal(s.port.hi, 2345);
    assert_int_equal(s.length_ns, 10 * TSP_SECOND);
    assert_int_equal(s.count, TSP_UNSET);
    assert_int_equal(s.arrivals, 0);
    assert_int_equal(s.seed, 1);
    assert_int_equal(s.expect, 0);
    assert_int_equal(s.hold_ns, 0);
    assert_int_equal(s.close, 0);
    assert_false(s.coalesce_fin);
    assert_false(s.nat);
    assert_int_equal(s.local_ips.count, 0);
    assert_string_equal(s.local_ports, "auto");
    assert_int_equal(s.timeout_ns, 30 * TSP_SECOND);
    assert_int_equal(s.max_open, TSP_UNSET);
    assert_int_equal(s.workers, 0);
    assert_int_equal(s.interval_ns, TSP_SECOND);
    assert_null(s.label);
}

static void a_length_is_presumed_only_where_nothing_ends_the_load(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int64_t length_ns;
    } rows[] = {
        {"rate=5", 10 * TSP_SECOND},           {"concurrency=5", 10 * TSP_SECOND},
        {"rate=5 length=2s", 2 * TSP_SECOND},  {"rate=5 count=7", TSP_UNSET},
        {"concurrency=5 count=7", TSP_UNSET},  {"stages", TSP_UNSET},
        {"rate=0 rate_to=5", 10 * TSP_SECOND}, {"rate=5 rate_to=0", 10 * TSP_SECOND},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_run_spec s = spec_of(rows[i].words);
        struct tsp_err err = {0};
        if (tsp_run_spec_check(&s, &err))
            fail_msg("%s: %s", rows[i].words, err.msg);
        assert_int_equal(s.length_ns, rows[i].length_ns);
    }
}

static void every_refusal_says_which_fields_and_why(void **state)
{
    (void)state;
    static const struct {
        const char *words, *want;
    } rows[] = {
        {"", "field 'rate' is missing (connections per second)"},
        {"rate_to=5", "field 'rate' is missing ('rate_to' needs it)"},
        {"rate=5 concurrency=2", "give one of 'rate', 'stages' and 'concurrency'"},
        {"rate=5 stages", "give one of 'rate', 'stages' and 'concurrency'"},
        {"concurrency=5 stages", "give one of 'rate', 'stages' and 'concurrency'"},
        {"rate=0 concurrency=2", "give one of 'rate', 'stages' and 'concurrency'"},
        {"concurrency=5 rate_to=2", "field 'rate_to' goes with 'rate'"},
        {"stages rate_to=2", "field 'rate_to' goes with 'rate'"},
        {"rate=0", "field 'rate': a constant rate must be above 0 (a ramp may begin or end there), "
                   "got 0"},
        {"rate=0 rate_to=0", "field 'rate': a constant rate must be above 0 (a ramp may begin or "
                             "end there), got 0"},
        {"stages length=5", "field 'length' does not go with 'stages', which have lengths of "
                            "their own"},
        {"stages count=5", "field 'count' does not go with 'stages', which have lengths of their "
                           "own"},
        {"rate=5 length=5 count=5", "give 'length' or 'count', not both"},
        {"concurrency=5 length=5 count=5", "give 'length' or 'count', not both"},
        {"rate=5 rate_to=9 count=5 arrivals=poisson",
         "'count' with poisson arrivals needs a constant rate: give 'length'"},
        {"rate=5 local_ports=many", "field 'local_ports': \"auto\", \"kernel\", \"walk\" or a "
                                    "range like \"1024-65535\" expected, got 'many'"},
        {"rate=5 local_ports=9-1", "field 'local_ports': \"auto\", \"kernel\", \"walk\" or a "
                                   "range like \"1024-65535\" expected, got '9-1'"},
        {"rate=5 content=x content_file=y", "give 'content' or 'content_file', not both"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_run_spec s = spec_of(rows[i].words);
        struct tsp_err err = {0};
        assert_int_equal(tsp_run_spec_check(&s, &err), -EINVAL);
        assert_int_equal(err.code, EINVAL);
        assert_string_equal(err.msg, rows[i].want);
    }
}

static void more_than_a_double_counts_is_refused(void **state)
{
    (void)state;
    struct tsp_run_spec s = spec_of("rate=10M");
    struct tsp_err err = {0};
    s.length_ns = INT64_MAX;
    assert_int_equal(tsp_run_spec_check(&s, &err), -EINVAL);
    assert_string_equal(err.msg, "rate x length is 9.22e+16 connections, past 2^53");
}

static void what_fits_is_accepted(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "rate=5 count=5 arrivals=poisson",
        "rate=5 rate_to=9 length=5 arrivals=poisson",
        "rate=5 rate_to=9 count=5",
        "rate=5 local_ports=1024-65535",
        "rate=5 local_ports=40000",
        "rate=5 local_ports=32769-60999/2",
        "rate=5 local_ports=kernel",
        "rate=5 local_ports=walk",
        "rate=5 content=x",
        "rate=5 content_file=y",
        "stages arrivals=poisson",
        "rate=10M length=1000000",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_run_spec s = spec_of(rows[i]);
        struct tsp_err err = {0};
        if (tsp_run_spec_check(&s, &err))
            fail_msg("%s: %s", rows[i], err.msg);
    }
}

static void a_count_that_takes_too_long_at_its_rate_is_refused(void **state)
{
    (void)state;
    struct tsp_run_spec s = spec_of("rate=5 count=1000000");
    struct tsp_err err = {0};
    s.rate = 1e-9;
    assert_int_equal(tsp_run_spec_check(&s, &err), -EINVAL);
    assert_string_equal(err.msg, "count / rate is 1e+15 seconds, past 1e9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_has_the_defaults_of_the_interface),
        cmocka_unit_test(a_length_is_presumed_only_where_nothing_ends_the_load),
        cmocka_unit_test(every_refusal_says_which_fields_and_why),
        cmocka_unit_test(more_than_a_double_counts_is_refused),
        cmocka_unit_test(a_count_that_takes_too_long_at_its_rate_is_refused),
        cmocka_unit_test(what_fits_is_accepted),
    };
    return cmocka_run_group_tests_name("run_spec", tests, NULL, NULL);
}
