#include "base/units.h"

#include <math.h>
#include <stdio.h>

#include "support/cmocka_all.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static void numbers_with_a_factor_are_exact(void **state)
{
    static const struct {
        const char *text;
        double want;
    } rows[] = {
        {"0", 0},        {"5", 5},         {"0.5", 0.5},       {".5", 0.5},
        {"25k", 25000},  {"25K", 25000},   {"2.1k", 2100},     {"1.001k", 1001},
        {"4.1k", 4100},  {"1M", 1e6},      {"1.5G", 1.5e9},    {"25k/s", 25000},
        {"7/s", 7},      {" 5k ", 5000},   {"\t5k/s\n", 5000}, {"1e3", 1000},
        {"1e-3", 0.001}, {"1e308", 1e308}, {"0.0001k", 0.1},   {"9007199254740993", 0x1p53},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        double got = NAN;
        if (!tsp_parse_scaled(rows[i].text, &got) || got != rows[i].want)
            fail_msg("'%s': %.17g, want %.17g", rows[i].text, got, rows[i].want);
    }
}

static void what_is_no_number_leaves_the_output_alone(void **state)
{
    static const char *const rows[] = {
        "",    " ",    "k",    "/s",    "-5",  "+5",    "25q",      "5 k",    "5kk",
        "5k/", "5/sk", "0x10", "0X1",   "inf", "nan",   "1e308k",   "1e999",  "1.2.3",
        ".",   "5m",   "5,0",  "5k 6k", "1e",  "5/s/s", "infinity", "5k\001", "k5",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        double got = 42;
        if (tsp_parse_scaled(rows[i], &got) || got != 42)
            fail_msg("'%s' was taken for %.17g", rows[i], got);
    }
}

static void times_are_nanoseconds(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
    } rows[] = {
        {"10", 10000000000},
        {"10s", 10000000000},
        {"0.5", 500000000},
        {"250ms", 250000000},
        {"40us", 40000},
        {"5ns", 5},
        {"2m", 120000000000},
        {"1h", 3600000000000},
        {"1.1", 1100000000},
        {"0.1ms", 100000},
        {"2.3s", 2300000000},
        {" 1s ", 1000000000},
        {"0", 0},
        {"0.4ns", 0},
        {"0.6ns", 1},
        {"9e9s", 9000000000000000000},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t got = -1;
        if (!tsp_parse_time(rows[i].text, &got) || got != rows[i].want)
            fail_msg("'%s': %lld, want %lld", rows[i].text, (long long)got,
                     (long long)rows[i].want);
    }
}

static void a_time_that_is_none_or_does_not_fit_is_refused(void **state)
{
    static const char *const rows[] = {"",    "s",    "-1s",  "5k", "5M",   "1e308h",    "1e10s",
                                       "inf", "10 s", "5mss", "1d", "5s/s", "9223372037"};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t got = 42;
        if (tsp_parse_time(rows[i], &got) || got != 42)
            fail_msg("'%s' was taken for %lld", rows[i], (long long)got);
    }
}

static void sizes_count_in_1024s(void **state)
{
    int64_t got = -1;
    (void)state;
    assert_true(tsp_parse_size("64M", &got));
    assert_int_equal(got, 67108864);
    assert_true(tsp_parse_size("1.5k", &got));
    assert_int_equal(got, 1536);
    assert_true(tsp_parse_size("2K", &got));
    assert_int_equal(got, 2048);
    assert_true(tsp_parse_size("1G", &got));
    assert_int_equal(got, 1073741824);
    assert_true(tsp_parse_size("17", &got));
    assert_int_equal(got, 17);
    assert_false(tsp_parse_size("64Q", &got));
    assert_false(tsp_parse_size("1e19", &got));
    assert_int_equal(got, 17);
}

static void ports_are_one_or_a_range(void **state)
{
    static const struct {
        const char *text;
        int lo, hi; /* -1: refused */
    } rows[] = {
        {"2345", 2345, 2345}, {"2345-2354", 2345, 2354},
        {"0", 0, 0},          {"65535", 65535, 65535},
        {" 80 ", 80, 80},     {"1-65535", 1, 65535},
        {"65536", -1, 0},     {"9-5", -1, 0},
        {"", -1, 0},          {"-5", -1, 0},
        {"5-", -1, 0},        {"5-6-7", -1, 0},
        {"5 -6", -1, 0},      {"http", -1, 0},
        {"1-65536", -1, 0},   {"0000080", -1, 0},
        {"1.5", -1, 0},       {"4294967297", -1, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint16_t lo = 7, hi = 7;
        bool ok = tsp_parse_ports(rows[i].text, &lo, &hi);
        bool want = rows[i].lo >= 0;
        if (ok != want || lo != (want ? rows[i].lo : 7) || hi != (want ? rows[i].hi : 7))
            fail_msg("'%s': %d, %u-%u", rows[i].text, ok, lo, hi);
    }
}

static void times_are_shown_with_three_figures(void **state)
{
    static const struct {
        int64_t ns;
        const char *want;
    } rows[] = {
        {0, "0 s"},
        {1, "1 ns"},
        {1234, "1.23 us"},
        {1230000, "1.23 ms"},
        {12340000, "12.3 ms"},
        {250000000, "250 ms"},
        {999600000, "1 s"},
        {30000000000, "30 s"},
        {1500000000, "1.5 s"},
        {3600000000000, "3600 s"},
        {-1500000, "-1.5 ms"},
        {INT64_MAX, "9223372037 s"},
    };
    char buf[16];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(tsp_format_time(buf, sizeof buf, rows[i].ns), rows[i].want);
}

static void counts_are_shown_with_three_figures(void **state)
{
    static const struct {
        double value;
        const char *want;
    } rows[] = {
        {0, "0"},          {0.5, "0.5"},        {7, "7"},
        {999, "999"},      {999.6, "1.00k"},    {1000, "1.00k"},
        {2100, "2.10k"},   {25000, "25.0k"},    {150310, "150k"},
        {999999, "1.00M"}, {12345678, "12.3M"}, {5e9, "5.00G"},
        {5e12, "5.00T"},   {1e300, "1e+300"},
    };
    char buf[16];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(tsp_format_count(buf, sizeof buf, rows[i].value), rows[i].want);
}

static void every_tenth_of_a_thousand_is_whole(void **state)
{
    (void)state;
    for (int tenths = 1; tenths <= 10000; tenths++) {
        char text[32];
        double got = NAN;
        snprintf(text, sizeof text, "%d.%dk", tenths / 10, tenths % 10);
        if (!tsp_parse_scaled(text, &got) || got != tenths * 100)
            fail_msg("'%s': %.17g", text, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_with_a_factor_are_exact),
        cmocka_unit_test(what_is_no_number_leaves_the_output_alone),
        cmocka_unit_test(times_are_nanoseconds),
        cmocka_unit_test(a_time_that_is_none_or_does_not_fit_is_refused),
        cmocka_unit_test(sizes_count_in_1024s),
        cmocka_unit_test(ports_are_one_or_a_range),
        cmocka_unit_test(times_are_shown_with_three_figures),
        cmocka_unit_test(counts_are_shown_with_three_figures),
        cmocka_unit_test(every_tenth_of_a_thousand_is_whole),
    };
    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
