/* Property: any bytes decode to nothing, or to a histogram whose text decodes to
 * the same counts again. To reach what lies behind base64 and zlib, bytes that
 * start with "raw:" are counts, and are packed into a text first.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "measure/hist_codec.h"

#define HEADER 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_hold(bool property, const char *what)
{
    if (property)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static void same_counts(const struct tsp_hist *a, const struct tsp_hist *b)
{
    struct tsp_hist_step x = {.index = -1}, y = {.index = -1};
    uint64_t sum = 0;
    while (tsp_hist_next(a, &x)) {
        must_hold(tsp_hist_next(b, &y), "no bucket is lost");
        must_hold(x.index == y.index && x.count == y.count, "buckets are the same");
        must_hold(x.from <= x.to, "a bucket has its edges in order");
        sum += x.count;
    }
    must_hold(!tsp_hist_next(b, &y), "no bucket is added");
    must_hold(sum == tsp_hist_count(a), "counts add up to the count");
}

static void check_text(const char *text, size_t len)
{
    struct tsp_err err = {0};
    struct tsp_hist *h = tsp_hist_decode(text, len, &err);
    if (!h) {
        must_hold(err.code > 0 && err.msg[0], "a refusal says why");
        return;
    }
    char *again = tsp_hist_encode(h);
    must_hold(again != NULL, "what was decoded can be encoded");
    struct tsp_hist *back = tsp_hist_decode(again, strlen(again), &err);
    must_hold(back != NULL, "what was encoded can be decoded");
    same_counts(h, back);
    must_hold(tsp_hist_percentile(h, 50) <= tsp_hist_max(h), "the median is not above max");
    tsp_hist_free(back);
    tsp_hist_free(h);
    free(again);
}

static void put(uint8_t *to, uint64_t v, int width)
{
    for (int i = width - 1; i >= 0; i--, v >>= 8)
        to[i] = (uint8_t)v;
}

static char *base64(const uint8_t *from, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc((len + 2) / 3 * 4 + 1), *to = text;
    for (size_t i = 0; i < len; i += 3) {
        unsigned v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < len ? from[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            *to++ = i + k <= len ? digits[v >> (18 - 6 * k) & 63] : '=';
    }
    *to = '\0';
    return text;
}

static void check_counts(const uint8_t *counts, size_t len)
{
    uLong plain_len = HEADER + len;
    uLongf size = compressBound(plain_len);
    uint8_t *plain = malloc(plain_len), *packed = malloc(8 + size);
    put(plain, 0x1c849313, 4);
    put(plain + 4, len, 4);
    put(plain + 8, 0, 4);
    put(plain + 12, 3, 4);
    put(plain + 16, 1, 8);
    put(plain + 24, UINT64_C(3600000000000), 8);
    put(plain + 32, UINT64_C(0x3ff0000000000000), 8);
    memcpy(plain + HEADER, counts, len);
    compress(packed + 8, &size, plain, plain_len);
    put(packed, 0x1c849314, 4);
    put(packed + 4, size, 4);
    char *text = base64(packed, 8 + size);
    check_text(text, strlen(text));
    free(text);
    free(packed);
    free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 4 && memcmp(data, "raw:", 4) == 0)
        check_counts(data + 4, size - 4);
    else
        check_text((const char *)data, size);
    return 0;
}
