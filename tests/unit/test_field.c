#include "base/field.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "support/cmocka_all.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

struct spec {
    const char *host;
    struct tsp_data content;
    double rate;
    int64_t timeout, count, size, open_ended;
    bool quiet;
    int close;
    struct tsp_ports port, any_port;
    struct tsp_strings ips;
    struct tsp_stage_list stages;
};

#define AT(member) offsetof(struct spec, member)

/* clang-format off */
static const struct tsp_field fields[] = {
    {"host",       TSP_FIELD_STRING,   AT(host),       "127.0.0.1", 0,    0,      "", NULL},
    {"content",    TSP_FIELD_DATA,     AT(content),    NULL,        0,    0,      "", NULL},
    {"rate",       TSP_FIELD_RATE,     AT(rate),       NULL,        1e-3, 1e7,    "", NULL},
    {"timeout",    TSP_FIELD_TIME,     AT(timeout),    "30s",       1e-3, 1e4,    "", NULL},
    {"count",      TSP_FIELD_COUNT,    AT(count),      NULL,        1,    1e9,    "", NULL},
    {"size",       TSP_FIELD_SIZE,     AT(size),       "64M",       1,    0x1p26, "", NULL},
    {"open_ended", TSP_FIELD_COUNT,    AT(open_ended), NULL,        0,    0,      "", NULL},
    {"quiet",      TSP_FIELD_BOOL,     AT(quiet),      "true",      0,    0,      "", NULL},
    {"close",      TSP_FIELD_CHOICE,   AT(close),      "half",      0,    0,      "", "half|reset"},
    {"port",       TSP_FIELD_PORTS,    AT(port),       "2345",      1,    65535,  "", NULL},
    {"any_port",   TSP_FIELD_PORTS,    AT(any_port),   NULL,        0,    65535,  "", NULL},
    {"ips",        TSP_FIELD_STRINGS,  AT(ips),        NULL,        0,    0,      "", NULL},
    {"stages",     TSP_FIELD_STAGES,   AT(stages),     NULL,        0,    0,      "", NULL},
    {"on_done",    TSP_FIELD_CALLBACK, 0,              NULL,        0,    0,      "", NULL},
    {NULL,         TSP_FIELD_STRING,   0,              NULL,        0,    0,      "", NULL},
};
/* clang-format on */

static const struct tsp_field *row(const char *name)
{
    const struct tsp_field *f = tsp_field_find(fields, name);
    assert_non_null(f);
    return f;
}

static void take(struct spec *s, const char *name, const char *text)
{
    struct tsp_err err = {0};
    if (tsp_field_store_text(row(name), text, s, &err))
        fail_msg("%s = '%s': %s", name, text, err.msg);
}

static void text_is_stored_by_type(void **state)
{
    struct spec s = {0};
    (void)state;
    take(&s, "host", "::1");
    assert_string_equal(s.host, "::1");
    take(&s, "content", "ping");
    assert_int_equal(s.content.len, 4);
    assert_memory_equal(s.content.bytes, "ping", 4);
    take(&s, "rate", "25k");
    assert_true(s.rate == 25000);
    take(&s, "timeout", "250ms");
    assert_int_equal(s.timeout, 250000000);
    take(&s, "timeout", "1ms"); /* the least allowed */
    assert_int_equal(s.timeout, 1000000);
    take(&s, "count", "2.1k");
    assert_int_equal(s.count, 2100);
    take(&s, "size", "64M");
    assert_int_equal(s.size, 67108864);
    take(&s, "open_ended", "900G");
    assert_int_equal(s.open_ended, 900000000000);
    take(&s, "close", "reset");
    assert_int_equal(s.close, 1);
    take(&s, "port", "2345-2354");
    assert_int_equal(s.port.lo, 2345);
    assert_int_equal(s.port.hi, 2354);
    take(&s, "any_port", "0");
    assert_int_equal(s.any_port.hi, 0);
}

static void numbers_are_stored_by_type(void **state)
{
    struct spec s = {0};
    (void)state;
    assert_int_equal(tsp_field_store_number(row("rate"), 0.5, &s, NULL), 0);
    assert_true(s.rate == 0.5);
    assert_int_equal(tsp_field_store_number(row("timeout"), 0.1, &s, NULL), 0);
    assert_int_equal(s.timeout, 100000000);
    assert_int_equal(tsp_field_store_number(row("count"), 7, &s, NULL), 0);
    assert_int_equal(s.count, 7);
    assert_int_equal(tsp_field_store_number(row("size"), 1, &s, NULL), 0);
    assert_int_equal(s.size, 1);
    assert_int_equal(tsp_field_store_number(row("port"), 80, &s, NULL), 0);
    assert_int_equal(s.port.lo, 80);
    assert_int_equal(s.port.hi, 80);
}

/* 2^53, the largest that the range of a count may end at, belongs to it. */
static void the_largest_exact_number_is_a_whole_number(void **state)
{
    static const struct tsp_field whole = {.type = TSP_FIELD_COUNT, .min = 1, .max = 0x1p53};
    int64_t got = 0;
    struct tsp_err err = {0};
    (void)state;
    assert_int_equal(tsp_field_store_text(&whole, "9007199254740992", &got, &err), 0);
    assert_int_equal(got, INT64_C(1) << 53);
    assert_int_equal(tsp_field_store_number(&whole, 0x1p53, &got, &err), 0);
    assert_int_equal(tsp_field_store_number(&whole, 0x1p53 + 2, &got, &err), -EINVAL);
    assert_string_equal(err.msg, "must be 1 .. 9007199254740992, got 9007199254740994");
}

static void bad_text_is_named_with_what_would_do(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        {"rate", "25q", "number or string like \"25k\" expected, got '25q'"},
        {"rate", "", "number or string like \"25k\" expected, got ''"},
        {"rate", "nan", "number or string like \"25k\" expected, got 'nan'"},
        {"rate", "0", "must be 0.001 .. 10M, got 0"},
        {"rate", "20M", "must be 0.001 .. 10M, got 20M"},
        {"timeout", "5x", "number of seconds or string like \"250ms\" expected, got '5x'"},
        {"timeout", "0", "must be 1 ms .. 10000 s, got 0"},
        {"timeout", "3h", "must be 1 ms .. 10000 s, got 3h"},
        {"count", "1.5", "whole number or string like \"5k\" expected, got '1.5'"},
        {"count", "0", "must be 1 .. 1G, got 0"},
        {"size", "65M", "must be 1 .. 64M, got 65M"},
        {"size", "x", "number of bytes or string like \"64M\" expected, got 'x'"},
        {"close", "hlf", "\"half\" or \"reset\" expected, got 'hlf'"},
        {"close", "hal", "\"half\" or \"reset\" expected, got 'hal'"},
        {"port", "0", "must be 1 .. 65535, got 0"},
        {"port", "65536", "must be 1 .. 65535, got 65536"},
        {"port", "0-5", "must be 1 .. 65535, got 0-5"},
        {"port", "9-5", "port number or range like \"2345-2354\" expected, got '9-5'"},
        {"port", "http", "port number or range like \"2345-2354\" expected, got 'http'"},
        {"any_port", "65536", "must be 0 .. 65535, got 65536"},
        {"quiet", "yes", "boolean expected, got 'yes'"},
        {"ips", "x", "string or list of strings expected, got 'x'"},
        {"stages", "x", "list of {rate=, rate_to=, length=} expected, got 'x'"},
        {"on_done", "x", "function expected, got 'x'"},
        {"rate", "a\nb\033[31m", "number or string like \"25k\" expected, got 'a?b?[31m'"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct spec s, before;
        struct tsp_err err = {0};
        memset(&s, 0x5a, sizeof s);
        memcpy(&before, &s, sizeof s);
        assert_int_equal(tsp_field_store_text(row(rows[i].name), rows[i].text, &s, &err), -EINVAL);
        assert_int_equal(err.code, EINVAL);
        assert_string_equal(err.msg, rows[i].want);
        assert_memory_equal(&s, &before, sizeof s); /* what is refused is not stored */
    }
}

static void bad_numbers_are_named_with_the_range(void **state)
{
    static const struct {
        const char *name;
        double value;
        const char *want;
    } rows[] = {
        {"rate", NAN, "must be 0.001 .. 10M, got nan"},
        {"rate", INFINITY, "must be 0.001 .. 10M, got inf"},
        {"rate", -INFINITY, "must be 0.001 .. 10M, got -inf"},
        {"rate", -1, "must be 0.001 .. 10M, got -1"},
        {"timeout", NAN, "must be 1 ms .. 10000 s, got nan"},
        {"count", 2.5, "whole number or string like \"5k\" expected, got '2.5'"},
        {"open_ended", -1, "must be at least 0, got -1"},
        {"open_ended", INFINITY, "must be at least 0, got inf"},
        {"open_ended", 1e300, "whole number or string like \"5k\" expected, got '1e+300'"},
        {"port", 2345.5, "port number or range like \"2345-2354\" expected, got '2345.5'"},
        {"port", 65536, "must be 1 .. 65535, got 65536"},
        {"port", NAN, "must be 1 .. 65535, got nan"},
        {"host", 5, "string expected, got number"},
        {"close", 0, "\"half\" or \"reset\" expected, got number"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct spec s = {0};
        struct tsp_err err = {0};
        assert_int_equal(tsp_field_store_number(row(rows[i].name), rows[i].value, &s, &err),
                         -EINVAL);
        assert_string_equal(err.msg, rows[i].want);
    }
}

static void a_text_of_any_length_makes_a_message_of_one_line(void **state)
{
    char text[2000];
    struct spec s = {0};
    struct tsp_err err;
    (void)state;
    memset(text, 'z', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(tsp_field_store_text(row("rate"), text, &s, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "zzz...'"));
}

static void presets_fill_what_was_not_given(void **state)
{
    struct spec s;
    (void)state;
    memset(&s, 0x5a, sizeof s);
    for (const struct tsp_field *f = fields; f->name; f++)
        tsp_field_store_preset(f, &s);
    assert_string_equal(s.host, "127.0.0.1");
    assert_null(s.content.bytes);
    assert_int_equal(s.content.len, 0);
    assert_true(s.rate == TSP_UNSET);
    assert_int_equal(s.timeout, 30000000000);
    assert_int_equal(s.count, TSP_UNSET);
    assert_int_equal(s.size, 67108864);
    assert_true(s.quiet);
    assert_int_equal(s.close, 0);
    assert_int_equal(s.port.lo, 2345);
    assert_int_equal(s.any_port.lo, 0);
    assert_int_equal(s.any_port.hi, 0);
    assert_int_equal(s.ips.count, 0);
    assert_null(s.ips.item);
    assert_int_equal(s.stages.count, 0);
}

static void a_mistyped_name_is_recognised(void **state)
{
    static const struct {
        const char *name, *want; /* NULL: none is near */
    } rows[] = {
        {"rat", "rate"},
        {"raet", "rate"},
        {"hots", "host"},
        {"timout", "timeout"},
        {"contents", "content"},
        {"prot", "port"},
        {"stage", "stages"},
        {"bananas", NULL},
        {"x", NULL},
        {"", NULL},
        {"ab", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct tsp_field *f = tsp_field_nearest(fields, rows[i].name);
        const char *got = f ? f->name : "none", *want = rows[i].want ? rows[i].want : "none";
        if (strcmp(got, want) != 0)
            fail_msg("'%s': %s, want %s", rows[i].name, got, want);
    }
    char text[300];
    memset(text, 'r', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_null(tsp_field_nearest(fields, text));
}

static void fields_are_found_by_their_whole_name(void **state)
{
    (void)state;
    assert_ptr_equal(tsp_field_find(fields, "rate"), &fields[2]);
    assert_null(tsp_field_find(fields, "rat"));
    assert_null(tsp_field_find(fields, "rates"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_stored_by_type),
        cmocka_unit_test(numbers_are_stored_by_type),
        cmocka_unit_test(the_largest_exact_number_is_a_whole_number),
        cmocka_unit_test(bad_text_is_named_with_what_would_do),
        cmocka_unit_test(bad_numbers_are_named_with_the_range),
        cmocka_unit_test(a_text_of_any_length_makes_a_message_of_one_line),
        cmocka_unit_test(presets_fill_what_was_not_given),
        cmocka_unit_test(a_mistyped_name_is_recognised),
        cmocka_unit_test(fields_are_found_by_their_whole_name),
    };
    return cmocka_run_group_tests_name("field", tests, NULL, NULL);
}
