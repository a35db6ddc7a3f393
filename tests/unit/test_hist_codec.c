#include "measure/hist_codec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "support/cmocka_all.h"
#include "support/failing_alloc.h"

#define BUCKETS 33792
#define HEADER 40

static struct tsp_hist *decoded(const char *text)
{
    struct tsp_err err = {0};
    struct tsp_hist *h = tsp_hist_decode(text, strlen(text), &err);
    if (!h)
        fail_msg("%s", err.msg);
    return h;
}

static void same_buckets(const struct tsp_hist *a, const struct tsp_hist *b)
{
    struct tsp_hist_step x = {.index = -1}, y = {.index = -1};
    while (tsp_hist_next(a, &x)) {
        assert_true(tsp_hist_next(b, &y));
        assert_int_equal(x.index, y.index);
        assert_true(x.count == y.count);
    }
    assert_false(tsp_hist_next(b, &y));
}

static void refused(const char *text, size_t len, const char *why)
{
    struct tsp_err err = {0};
    int held = live_blocks;
    struct tsp_hist *h = tsp_hist_decode(text, len, &err);
    assert_null(h);
    assert_int_equal(err.code, EINVAL);
    assert_string_equal(err.msg, why);
    assert_int_equal(live_blocks, held);
    assert_null(tsp_hist_decode(text, len, NULL));
}

/* The tests' own way to texts of any content, to hold the codec against. */

static void base64(const unsigned char *from, size_t len, char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        unsigned v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < len ? from[i + k] : 0);
        for (int k = 0; k < 4; k++)
            *to++ = i + (size_t)k <= len ? digits[v >> (18 - 6 * k) & 63] : '=';
    }
    *to = '\0';
}

static void big_endian(unsigned char *to, uint64_t v, int width)
{
    for (int i = width - 1; i >= 0; i--, v >>= 8)
        to[i] = (unsigned char)v;
}

/* The plain form of a histogram with these bytes of counts. */
static size_t plain_form(unsigned char *to, const unsigned char *counts, size_t len)
{
    big_endian(to, 0x1c849313, 4);
    big_endian(to + 4, len, 4);
    big_endian(to + 8, 0, 4);
    big_endian(to + 12, 3, 4);
    big_endian(to + 16, 1, 8);
    big_endian(to + 24, UINT64_C(3600000000000), 8);
    big_endian(to + 32, UINT64_C(0x3ff0000000000000), 8);
    memcpy(to + HEADER, counts, len);
    return HEADER + len;
}

/* A text of that plain form; the caller frees it. */
static char *packed(const unsigned char *plain, size_t len)
{
    uLongf size = compressBound(len);
    unsigned char *bytes = malloc(8 + size);
    char *text = malloc((8 + size) * 2);
    assert_int_equal(compress(bytes + 8, &size, plain, len), Z_OK);
    big_endian(bytes, 0x1c849314, 4);
    big_endian(bytes + 4, size, 4);
    base64(bytes, 8 + size, text);
    free(bytes);
    return text;
}

static void counts_refused(const char *counts, size_t len, const char *why)
{
    unsigned char plain[HEADER + 64];
    char *text = packed(plain, plain_form(plain, (const unsigned char *)counts, len));
    refused(text, strlen(text), why);
    free(text);
}

/* Written by hdr-histogram-js 3.0.1: range 1 .. 3.6e12, three figures. */
static void a_text_of_another_implementation_is_read(void **state)
{
    (void)state;
    static const char golden[] = "HISTFAAAAD94nJNpmSzMwMAgycDAwMjAwMDMAAGMDAzMbgY7FjDA+UwMTF/lb7Cw"
                                 "7O9jXPHixMvp7Avr+dbfYWQBAAzZDRo=";
    static const struct {
        int64_t from, to;
        uint64_t count;
    } rows[] = {
        {1, 1, 1},
        {3, 3, 1},
        {2047, 2047, 300},
        {2048, 2049, 2},
        {999936, 1000447, UINT64_C(123456789012)},
        {249954304, 250085375, 7},
        {INT64_C(3599182594048), INT64_C(3601330077695), 2},
    };
    struct tsp_hist *h = decoded(golden);
    struct tsp_hist_step step = {.index = -1};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(tsp_hist_next(h, &step));
        assert_int_equal(step.from, rows[i].from);
        assert_int_equal(step.to, rows[i].to);
        assert_int_equal(step.count, rows[i].count);
    }
    assert_false(tsp_hist_next(h, &step));
    assert_int_equal(tsp_hist_count(h), UINT64_C(123456789325));
    assert_int_equal(tsp_hist_min(h), 1);
    assert_int_equal(tsp_hist_max(h), INT64_C(3601330077695));
    tsp_hist_free(h);
}

static void an_empty_histogram_of_another_implementation_is_read(void **state)
{
    (void)state;
    struct tsp_hist *h = decoded("HISTFAAAACB4nJNpmSzMwMDACMXMDBDAyMDA7GawYwEDnA8ASQ8DHw==");
    assert_int_equal(tsp_hist_count(h), 0);
    tsp_hist_free(h);
}

/* Same bytes before compression; compressed ones depend on zlib's version. */
static void our_text_holds_what_another_implementation_writes(void **state)
{
    (void)state;
    struct tsp_hist *h = tsp_hist_new();
    tsp_hist_record(h, 1);
    tsp_hist_record_n(h, 2047, 300);
    tsp_hist_record(h, 3600000000000);
    unsigned char plain[HEADER + 16];
    /* 1 zero, 1, 2045 zeros, 300, 31372 zeros, 1: as hdr-histogram-js has it. */
    static const char counts[] = "\x00\x02\xf9\x1f\xd8\x04\x97\xea\x03\x02";
    char *want = packed(plain, plain_form(plain, (const unsigned char *)counts, 10));
    char *got = tsp_hist_encode(h);
    assert_string_equal(got, want);
    assert_memory_equal(got, "HISTFAAA", 8);
    free(got);
    free(want);
    tsp_hist_free(h);
}

static void what_is_encoded_is_decoded_the_same(void **state)
{
    (void)state;
    uint64_t x = 1;
    for (int set = 0; set < 200; set++) {
        struct tsp_hist *h = tsp_hist_new();
        for (int i = 0; i < set; i++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            tsp_hist_record_n(h, (int64_t)(x >> (1 + x % 62)), 1 + (x >> 8) % 1000);
        }
        char *text = tsp_hist_encode(h);
        struct tsp_hist *back = decoded(text);
        same_buckets(h, back);
        assert_int_equal(tsp_hist_count(back), tsp_hist_count(h));
        tsp_hist_free(back);
        tsp_hist_free(h);
        free(text);
    }
}

static void the_largest_count_and_every_bucket_fit(void **state)
{
    (void)state;
    struct tsp_hist *h = tsp_hist_new();
    tsp_hist_record_n(h, 5, UINT64_C(1) << 61);
    for (int64_t v = 1; v < TSP_HIST_HIGHEST; v += v < 2048 ? 1 : v / 1024)
        tsp_hist_record_n(h, v, UINT64_C(1) << 45);
    char *text = tsp_hist_encode(h);
    struct tsp_hist *back = decoded(text);
    same_buckets(h, back);
    tsp_hist_free(back);
    tsp_hist_free(h);
    free(text);
}

static void a_decoded_histogram_has_the_edges_of_its_buckets(void **state)
{
    (void)state;
    struct tsp_hist *h = tsp_hist_new();
    tsp_hist_record(h, 1000000);
    char *text = tsp_hist_encode(h);
    struct tsp_hist *back = decoded(text);
    assert_int_equal(tsp_hist_min(back), 999936);
    assert_int_equal(tsp_hist_max(back), 1000447);
    tsp_hist_free(back);
    tsp_hist_free(h);
    free(text);
}

static void zeros_of_others_count_as_one(void **state)
{
    (void)state;
    unsigned char plain[HEADER + 1];
    char *text = packed(plain, plain_form(plain, (const unsigned char *)"\x06", 1));
    struct tsp_hist *h = decoded(text);
    assert_int_equal(tsp_hist_count(h), 3);
    assert_int_equal(tsp_hist_max(h), 1);
    tsp_hist_free(h);
    free(text);
}

static void garbage_is_refused_with_a_sentence(void **state)
{
    (void)state;
    static const char not_base64[] = "not a histogram: not base64";
    static const char version[] = "not a histogram: not in version 2 of the format";
    refused("", 0, version);
    refused("HIST", 4, version);
    refused("HISTF", 5, not_base64);
    refused("HIST FAA", 8, not_base64);
    refused("HIST\0AAA", 8, not_base64);
    refused("====", 4, not_base64);
    refused("AAAAAAAAAAAA", 12, version);
    refused("HISTFAAAAAA=", 12, "not a histogram: its compressed part is damaged or too long");
    refused("HISTFAAAAAE=", 12, "not a histogram: its length is wrong");
}

/* Public texts of other versions and ranges. */
static void other_layouts_are_refused(void **state)
{
    (void)state;
    static const char v1[] = "HISTIgAAAFd42pNpmazIwMAYxgABTBDKT4GBgdnNYMcCBvsPUBkeBkYGZqA8MwMbAzsD"
                             "C5DFBCTZgJCDQY1BjkGLQZRBlUEPCB8zWDCYMxgDZZkZhgJgHDibAY8JB/A=";
    static const char two_figures[] = "HISTFAAAACJ4nJNpmSzMwMDAxMDAwAilGSBsZjeDHQsYYHxOJgBMSgMq";
    static const char an_hour_of_us[] =
        "HISTFAAAACV4nJNpmSzMwMDAxMDAwMjAwMDMAAEgNsO1yUsYYHxOJgBPfgNn";
    static const char tiny[] = "HISTFAAAAB94nJNpmSzMwMDABMSMQMzMAAGMUJoJxg9mAgA1TQGm";
    refused(v1, strlen(v1), "not a histogram: not in version 2 of the format");
    refused(two_figures, strlen(two_figures),
            "not a histogram: its values do not have three figures");
    refused(an_hour_of_us, strlen(an_hour_of_us),
            "not a histogram: its values do not range from 1 to 3.6e12");
    refused(tiny, strlen(tiny), "not a histogram: its values do not range from 1 to 3.6e12");
}

static void counts_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char many[] = "not a histogram: it has more counts than there are buckets";
    static const char large[] = "not a histogram: its counts are too large";
    static const char inside[] = "not a histogram: it ends inside a number";
    counts_refused("\x80", 1, inside);
    counts_refused("\x02\xff\xff", 3, inside);
    counts_refused("\xff\x8f\x04\x02", 4, many);                      /* 33792 zeros and a count */
    counts_refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9, many);  /* -2^63 */
    counts_refused("\xfe\xff\xff\xff\xff\xff\xff\xff\xff", 9, large); /* 2^63 - 1 */
    counts_refused("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 10, large); /* 2^62 and 1 */
}

static void every_cut_of_a_text_is_refused(void **state)
{
    (void)state;
    struct tsp_hist *h = tsp_hist_new();
    for (int64_t v = 1; v < 1000000; v = v * 3 / 2 + 1)
        tsp_hist_record(h, v);
    char *text = tsp_hist_encode(h);
    struct tsp_err err;
    for (size_t len = 0; len < strlen(text); len++)
        assert_null(tsp_hist_decode(text, len, &err));
    free(text);
    tsp_hist_free(h);
}

/* 64 MB of zeros compress to 64 KB: they must not be laid out in memory. */
static void a_decompression_bomb_is_refused(void **state)
{
    (void)state;
    size_t len = 64 << 20;
    unsigned char *plain = calloc(1, len);
    plain_form(plain, (const unsigned char *)"", 0);
    big_endian(plain + 4, len - HEADER, 4);
    char *text = packed(plain, len);
    free(plain);
    refused(text, strlen(text), "not a histogram: its compressed part is damaged or too long");
    free(text);
}

static void an_endless_text_is_refused_before_it_is_read(void **state)
{
    (void)state;
    size_t len = 4 << 20;
    char *text = malloc(len);
    memset(text, 'A', len);
    refused(text, len, "not a histogram: it is too long");
    free(text);
}

static void running_out_of_memory_leaks_nothing(void **state)
{
    (void)state;
    struct tsp_hist *h = tsp_hist_new();
    tsp_hist_record(h, 12345);
    char *text = tsp_hist_encode(h);
    int held = live_blocks;
    for (int n = 0; n < 3; n++) {
        struct tsp_err err = {0};
        allocations_left = n;
        assert_null(tsp_hist_encode(h));
        allocations_left = n;
        assert_null(tsp_hist_decode(text, strlen(text), &err));
        allocations_left = -1;
        assert_int_equal(err.code, ENOMEM);
        assert_int_equal(live_blocks, held);
    }
    allocations_left = 3;
    struct tsp_hist *back = tsp_hist_decode(text, strlen(text), NULL);
    allocations_left = -1;
    assert_non_null(back);
    tsp_hist_free(back);
    free(text);
    tsp_hist_free(h);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_of_another_implementation_is_read),
        cmocka_unit_test(an_empty_histogram_of_another_implementation_is_read),
        cmocka_unit_test(our_text_holds_what_another_implementation_writes),
        cmocka_unit_test(what_is_encoded_is_decoded_the_same),
        cmocka_unit_test(the_largest_count_and_every_bucket_fit),
        cmocka_unit_test(a_decoded_histogram_has_the_edges_of_its_buckets),
        cmocka_unit_test(zeros_of_others_count_as_one),
        cmocka_unit_test(garbage_is_refused_with_a_sentence),
        cmocka_unit_test(other_layouts_are_refused),
        cmocka_unit_test(counts_that_make_no_sense_are_refused),
        cmocka_unit_test(every_cut_of_a_text_is_refused),
        cmocka_unit_test(a_decompression_bomb_is_refused),
        cmocka_unit_test(an_endless_text_is_refused_before_it_is_read),
        cmocka_unit_test(running_out_of_memory_leaks_nothing),
    };
    return cmocka_run_group_tests_name("hist_codec", tests, NULL, NULL);
}
