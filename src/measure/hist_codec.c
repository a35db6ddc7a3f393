#include "measure/hist_codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "measure/hist_layout.h"

#define COOKIE_PLAIN UINT32_C(0x1c849313)
#define COOKIE_COMPRESSED UINT32_C(0x1c849314)
/* The digit that tells the word size; V2 has no words and writers differ. */
#define COOKIE_MASK UINT32_C(0xffffff0f)

#define RATIO_ONE UINT64_C(0x3ff0000000000000) /* 1.0: values are whole numbers */
#define OUTER_HEADER 8
#define INNER_HEADER 40
#define NUMBER_MAX 9 /* bytes of a LEB128 number: eight of 7 bits, one of 8 */

/* Bounds the memory a text can ask for: every bucket with its longest number.
 * Compressed data is a little larger at worst, base64 4/3 of that. */
#define PLAIN_MAX (INNER_HEADER + TSP_HIST_BUCKETS * NUMBER_MAX)
#define TEXT_MAX (2 * PLAIN_MAX)

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct bytes {
    unsigned char *at;
    size_t len;
};

/* Big endian, as everything in the format. */
static void put_int(struct bytes *b, uint64_t v, int width)
{
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8)
        b->at[b->len++] = (unsigned char)(v >> shift);
}

static uint64_t get_int(const unsigned char *from, int width)
{
    uint64_t v = 0;
    for (int i = 0; i < width; i++)
        v = v << 8 | from[i];
    return v;
}

static void put_number(struct bytes *b, int64_t n)
{
    uint64_t v = ((uint64_t)n << 1) ^ (n < 0 ? UINT64_MAX : 0);
    for (int i = 1; i < NUMBER_MAX && v >= 0x80; i++, v >>= 7)
        b->at[b->len++] = (unsigned char)(v | 0x80);
    b->at[b->len++] = (unsigned char)v;
}

/* Takes one number from the front; false when b ends inside it. */
static bool get_number(struct bytes *b, int64_t *n)
{
    uint64_t v = 0;
    for (int i = 0; i < NUMBER_MAX; i++) {
        if (b->len == 0)
            return false;
        uint64_t byte = *b->at++;
        b->len--;
        bool last = i == NUMBER_MAX - 1 || byte < 0x80;
        v |= (last ? byte : byte & 0x7f) << (7 * i);
        if (last)
            break;
    }
    *n = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
    return true;
}

static void put_header(struct bytes *b, size_t payload)
{
    put_int(b, COOKIE_PLAIN, 4);
    put_int(b, payload, 4);
    put_int(b, 0, 4); /* normalizing offset: shifted histograms only */
    put_int(b, TSP_HIST_FIGURES, 4);
    put_int(b, (uint64_t)TSP_HIST_LOWEST, 8);
    put_int(b, (uint64_t)TSP_HIST_HIGHEST, 8);
    put_int(b, RATIO_ONE, 8);
}

static void put_counts(struct bytes *b, const struct tsp_hist *h)
{
    struct tsp_hist_step step = {.index = -1};
    int32_t next = 0;
    while (tsp_hist_next(h, &step)) {
        int32_t zeros = step.index - next;
        if (zeros > 0)
            put_number(b, zeros == 1 ? 0 : -zeros);
        put_number(b, (int64_t)step.count);
        next = step.index + 1;
    }
}

/* Where b->at is NULL, memory ran out. The caller frees it. */
static struct bytes plain_form(const struct tsp_hist *h)
{
    struct bytes b = {malloc(PLAIN_MAX), 0};
    if (!b.at)
        return b;
    b.len = INNER_HEADER;
    put_counts(&b, h);
    struct bytes header = {b.at, 0};
    put_header(&header, b.len - INNER_HEADER);
    return b;
}

static struct bytes compressed_form(const struct bytes *plain)
{
    uLongf len = compressBound(plain->len);
    struct bytes b = {malloc(OUTER_HEADER + len), 0};
    if (!b.at)
        return b;
    if (compress(b.at + OUTER_HEADER, &len, plain->at, plain->len) != Z_OK) {
        free(b.at);
        b.at = NULL;
        return b;
    }
    put_int(&b, COOKIE_COMPRESSED, 4);
    put_int(&b, len, 4);
    b.len += len;
    return b;
}

static char *text_form(const struct bytes *b)
{
    char *text = malloc((b->len + 2) / 3 * 4 + 1), *to = text;
    if (!text)
        return NULL;
    for (size_t i = 0; i < b->len; i += 3) {
        size_t left = b->len - i;
        unsigned v = (unsigned)b->at[i] << 16;
        if (left > 1)
            v |= (unsigned)b->at[i + 1] << 8;
        if (left > 2)
            v |= b->at[i + 2];
        *to++ = digits[v >> 18];
        *to++ = digits[v >> 12 & 63];
        *to++ = left > 1 ? digits[v >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[v & 63] : '=';
    }
    *to = '\0';
    return text;
}

char *tsp_hist_encode(const struct tsp_hist *h)
{
    char *text = NULL;
    struct bytes plain = plain_form(h);
    if (!plain.at)
        return NULL;
    struct bytes compressed = compressed_form(&plain);
    if (compressed.at)
        text = text_form(&compressed);
    free(compressed.at);
    free(plain.at);
    return text;
}

/* 0 .. 63, or -1. */
static int digit_value(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Base64 with padding -> to->at, which has room for 3/4 of len. */
static bool from_text(const char *text, size_t len, struct bytes *to)
{
    if (len % 4 != 0)
        return false;
    for (size_t i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++)
        len--;
    unsigned v = 0;
    int bits = 0;
    for (size_t i = 0; i < len; i++) {
        int digit = digit_value(text[i]);
        if (digit < 0)
            return false;
        v = (v << 6 | (unsigned)digit) & 0xffff;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        to->at[to->len++] = (unsigned char)(v >> bits);
    }
    return true;
}

static int refuse(struct tsp_err *err, const char *why)
{
    return tsp_refuse(err, EINVAL, "not a histogram: %s", why);
}

static int no_memory(struct tsp_err *err)
{
    return tsp_fail(err, ENOMEM, "decode a histogram");
}

static bool has_cookie(const struct bytes *b, uint32_t cookie)
{
    return (get_int(b->at, 4) & COOKIE_MASK) == (cookie & COOKIE_MASK);
}

/* Offset and ratio are not looked at: they do not change the meaning of a count
 * here, and hdr-histogram-js writes other ones than Java. */
static int check_header(const struct bytes *plain, struct tsp_err *err)
{
    const unsigned char *at = plain->at;
    if (plain->len < INNER_HEADER || !has_cookie(plain, COOKIE_PLAIN))
        return refuse(err, "not in version 2 of the format");
    if (get_int(at + 4, 4) != plain->len - INNER_HEADER)
        return refuse(err, "its length is wrong");
    if (get_int(at + 12, 4) != TSP_HIST_FIGURES)
        return refuse(err, "its values do not have three figures");
    if (get_int(at + 16, 8) != TSP_HIST_LOWEST || get_int(at + 24, 8) != TSP_HIST_HIGHEST)
        return refuse(err, "its values do not range from 1 to 3.6e12");
    return 0;
}

static int read_counts(struct bytes counts, struct tsp_hist *h, struct tsp_err *err)
{
    int64_t n, at = 0;
    while (counts.len > 0) {
        if (!get_number(&counts, &n))
            return refuse(err, "it ends inside a number");
        if (n < -TSP_HIST_BUCKETS)
            return refuse(err, "it has more counts than there are buckets");
        at += n < 0 ? -n : 1;
        if (at > TSP_HIST_BUCKETS)
            return refuse(err, "it has more counts than there are buckets");
        if (n <= 0)
            continue;
        uint64_t before = tsp_hist_count(h);
        tsp_hist_put(h, (int32_t)at - 1, (uint64_t)n);
        if (tsp_hist_count(h) != before + (uint64_t)n)
            return refuse(err, "its counts are too large");
    }
    return 0;
}

/* plain has room for PLAIN_MAX bytes: zlib stops there. */
static int decompress(const struct bytes *outer, struct bytes *plain, struct tsp_err *err)
{
    uLongf len = PLAIN_MAX;
    int rc = uncompress(plain->at, &len, outer->at + OUTER_HEADER, outer->len - OUTER_HEADER);
    if (rc == Z_MEM_ERROR)
        return no_memory(err);
    if (rc != Z_OK)
        return refuse(err, "its compressed part is damaged or too long");
    plain->len = len;
    return 0;
}

/* outer has room for what len digits say, plain for PLAIN_MAX bytes. */
static int unpack(const char *text, size_t len, struct bytes *outer, struct bytes *plain,
                  struct tsp_err *err)
{
    if (!from_text(text, len, outer))
        return refuse(err, "not base64");
    if (outer->len < OUTER_HEADER || !has_cookie(outer, COOKIE_COMPRESSED))
        return refuse(err, "not in version 2 of the format");
    if (get_int(outer->at + 4, 4) != outer->len - OUTER_HEADER)
        return refuse(err, "its length is wrong");
    int rc = decompress(outer, plain, err);
    return rc ? rc : check_header(plain, err);
}

struct tsp_hist *tsp_hist_decode(const char *text, size_t len, struct tsp_err *err)
{
    if (len > TEXT_MAX) {
        refuse(err, "it is too long");
        return NULL;
    }
    struct tsp_hist *h = tsp_hist_new();
    struct bytes outer = {malloc(len / 4 * 3 + 1), 0}, plain = {calloc(1, PLAIN_MAX), 0};
    bool memory = h && outer.at && plain.at;
    int rc = memory ? unpack(text, len, &outer, &plain, err) : no_memory(err);
    if (rc == 0 && plain.at) {
        struct bytes counts = {plain.at + INNER_HEADER, plain.len - INNER_HEADER};
        rc = read_counts(counts, h, err);
    }
    free(plain.at);
    free(outer.at);
    if (rc == 0)
        return h;
    tsp_hist_free(h);
    return NULL;
}
