#include "base/field.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* Room for one number of a message. */
#define NUMBER_TEXT 48

/* Longer names are not somebody's typing error. */
#define NAME_MAX_LEN 40

/* Whole numbers up to here are exact in a double. */
#define EXACT 9007199254740992.0

static void *member(const struct tsp_field *f, void *spec)
{
    return (char *)spec + f->at;
}

/* `"half" or "reset"` from "half|reset", in a buffer of this thread. */
static const char *choice_words(const char *choices)
{
    static _Thread_local char buf[128];
    size_t len = 0;
    buf[0] = '\0';
    while (len < sizeof buf) {
        size_t word = strcspn(choices, "|");
        int n = snprintf(buf + len, sizeof buf - len, "%s\"%.*s\"", len ? " or " : "", (int)word,
                         choices);
        len += (size_t)n;
        if (choices[word] == '\0')
            break;
        choices += word + 1;
    }
    return buf;
}

const char *tsp_field_wants(const struct tsp_field *f)
{
    static const char *const words[] = {
        [TSP_FIELD_STRING] = "string",
        [TSP_FIELD_DATA] = "string",
        [TSP_FIELD_RATE] = "number or string like \"25k\"",
        [TSP_FIELD_TIME] = "number of seconds or string like \"250ms\"",
        [TSP_FIELD_COUNT] = "whole number or string like \"5k\"",
        [TSP_FIELD_SIZE] = "number of bytes or string like \"64M\"",
        [TSP_FIELD_BOOL] = "boolean",
        [TSP_FIELD_PORTS] = "port number or range like \"2345-2354\"",
        [TSP_FIELD_STRINGS] = "string or list of strings",
        [TSP_FIELD_STAGES] = "list of {rate=, rate_to=, length=}",
        [TSP_FIELD_CALLBACK] = "function",
    };
    return f->type == TSP_FIELD_CHOICE ? choice_words(f->choices) : words[f->type];
}

/* What the user gave, fit for a message of one line. */
static const char *shown(char buf[NUMBER_TEXT], const char *text)
{
    size_t i = 0;
    for (; text[i] && i < NUMBER_TEXT - 4; i++)
        buf[i] = (unsigned char)text[i] < ' ' || text[i] == 127 ? '?' : text[i];
    snprintf(buf + i, NUMBER_TEXT - i, "%s", text[i] ? "..." : "");
    return buf;
}

static int unexpected(const struct tsp_field *f, const char *text, struct tsp_err *err)
{
    char buf[NUMBER_TEXT];
    return tsp_refuse(err, EINVAL, "%s expected, got '%s'", tsp_field_wants(f), shown(buf, text));
}

/* A bound as a person would write it: "65535", "10M", "0.001", "1 ms". */
static const char *bound(char buf[NUMBER_TEXT], const struct tsp_field *f, double v)
{
    static const char *const thousands[] = {"G", "M", NULL}, *const binary[] = {"G", "M", "K"};
    bool size = f->type == TSP_FIELD_SIZE;
    double factor = size ? 1073741824 : 1e9, step = size ? 1024 : 1e3;
    if (f->type == TSP_FIELD_TIME)
        return tsp_format_time(buf, NUMBER_TEXT, (int64_t)(v * 1e9 + 0.5));
    for (size_t i = 0; i < 3 && v < EXACT; i++, factor /= step) {
        const char *name = size ? binary[i] : thousands[i];
        int64_t whole = (int64_t)(v / factor);
        if (name && whole > 0 && (double)whole * factor == v) {
            snprintf(buf, NUMBER_TEXT, "%lld%s", (long long)whole, name);
            return buf;
        }
    }
    snprintf(buf, NUMBER_TEXT, "%.16g", v);
    return buf;
}

static int out_of_range(const struct tsp_field *f, const char *got, struct tsp_err *err)
{
    char lo[NUMBER_TEXT], hi[NUMBER_TEXT], buf[NUMBER_TEXT];
    shown(buf, got);
    if (!isfinite(f->max) || f->max <= f->min)
        return tsp_refuse(err, EINVAL, "must be at least %s, got %s", bound(lo, f, f->min), buf);
    return tsp_refuse(err, EINVAL, "must be %s .. %s, got %s", bound(lo, f, f->min),
                      bound(hi, f, f->max), buf);
}

/* A row with min == max == 0 has no upper bound. NaN is in no range. */
static bool in_range(const struct tsp_field *f, double v)
{
    bool open = f->min == 0 && f->max == 0;
    return v >= f->min && (open || v <= f->max) && isfinite(v);
}

/* v: in the unit of the row's bounds (seconds, bytes, per second). */
static int store_value(const struct tsp_field *f, double v, const char *got, void *spec,
                       struct tsp_err *err)
{
    if (!in_range(f, v))
        return out_of_range(f, got, err);
    bool whole = f->type == TSP_FIELD_COUNT || f->type == TSP_FIELD_SIZE;
    if (whole && (v > EXACT || (double)(int64_t)v != v))
        return unexpected(f, got, err);
    if (f->type == TSP_FIELD_RATE) {
        *(double *)member(f, spec) = v;
        return 0;
    }
    double stored = f->type == TSP_FIELD_TIME ? v * 1e9 + 0.5 : v;
    if (stored >= 0x1p63)
        return out_of_range(f, got, err);
    *(int64_t *)member(f, spec) = (int64_t)stored;
    return 0;
}

static int store_ports(const struct tsp_field *f, double lo, double hi, const char *got, void *spec,
                       struct tsp_err *err)
{
    double top = f->max > 0 ? f->max : UINT16_MAX;
    const struct tsp_field range = {.type = TSP_FIELD_COUNT, .min = f->min, .max = top};
    if (!in_range(&range, lo) || !in_range(&range, hi))
        return out_of_range(&range, got, err);
    if ((double)(int64_t)lo != lo)
        return unexpected(f, got, err);
    *(struct tsp_ports *)member(f, spec) = (struct tsp_ports){(uint16_t)lo, (uint16_t)hi};
    return 0;
}

static int store_port_text(const struct tsp_field *f, const char *text, void *spec,
                           struct tsp_err *err)
{
    uint16_t lo, hi;
    double number;
    if (tsp_parse_ports(text, &lo, &hi))
        return store_ports(f, lo, hi, text, spec, err);
    /* "70000" and "-1" are numbers, only too large or too small. */
    bool digits = strspn(text, "0123456789") == strlen(text);
    if (digits && tsp_parse_scaled(text, &number))
        return store_ports(f, number, number, text, spec, err);
    return unexpected(f, text, err);
}

static int store_choice(const struct tsp_field *f, const char *text, void *spec,
                        struct tsp_err *err)
{
    const char *at = f->choices;
    size_t len = strlen(text);
    for (int i = 0;; i++) {
        size_t word = strcspn(at, "|");
        if (word == len && memcmp(at, text, len) == 0) {
            *(int *)member(f, spec) = i;
            return 0;
        }
        if (at[word] == '\0')
            return unexpected(f, text, err);
        at += word + 1;
    }
}

/* text -> value in the unit of the row's bounds. */
static bool parse_value(const struct tsp_field *f, const char *text, double *out)
{
    int64_t n;
    if (f->type == TSP_FIELD_RATE || f->type == TSP_FIELD_COUNT)
        return tsp_parse_scaled(text, out);
    bool ok = f->type == TSP_FIELD_TIME ? tsp_parse_time(text, &n) : tsp_parse_size(text, &n);
    if (ok)
        *out = f->type == TSP_FIELD_TIME ? (double)n / 1e9 : (double)n;
    return ok;
}

int tsp_field_store_text(const struct tsp_field *f, const char *text, void *spec,
                         struct tsp_err *err)
{
    double value;
    switch (f->type) {
    case TSP_FIELD_STRING:
        *(const char **)member(f, spec) = text;
        return 0;
    case TSP_FIELD_DATA:
        *(struct tsp_data *)member(f, spec) = (struct tsp_data){text, strlen(text)};
        return 0;
    case TSP_FIELD_RATE:
    case TSP_FIELD_TIME:
    case TSP_FIELD_COUNT:
    case TSP_FIELD_SIZE:
        if (!parse_value(f, text, &value))
            return unexpected(f, text, err);
        return store_value(f, value, text, spec, err);
    case TSP_FIELD_CHOICE:
        return store_choice(f, text, spec, err);
    case TSP_FIELD_PORTS:
        return store_port_text(f, text, spec, err);
    default:
        return unexpected(f, text, err);
    }
}

int tsp_field_store_number(const struct tsp_field *f, double value, void *spec, struct tsp_err *err)
{
    char got[NUMBER_TEXT];
    snprintf(got, sizeof got, "%.16g", isnan(value) ? NAN : value);
    switch (f->type) {
    case TSP_FIELD_RATE:
    case TSP_FIELD_TIME:
    case TSP_FIELD_COUNT:
    case TSP_FIELD_SIZE:
        return store_value(f, value, got, spec, err);
    case TSP_FIELD_PORTS:
        return store_ports(f, value, value, got, spec, err);
    default:
        return tsp_refuse(err, EINVAL, "%s expected, got number", tsp_field_wants(f));
    }
}

static void store_unset(const struct tsp_field *f, void *spec)
{
    switch (f->type) {
    case TSP_FIELD_STRING:
        *(const char **)member(f, spec) = NULL;
        break;
    case TSP_FIELD_DATA:
        *(struct tsp_data *)member(f, spec) = (struct tsp_data){0};
        break;
    case TSP_FIELD_RATE:
        *(double *)member(f, spec) = TSP_UNSET;
        break;
    case TSP_FIELD_TIME:
    case TSP_FIELD_COUNT:
    case TSP_FIELD_SIZE:
        *(int64_t *)member(f, spec) = TSP_UNSET;
        break;
    case TSP_FIELD_BOOL:
        *(bool *)member(f, spec) = false;
        break;
    case TSP_FIELD_CHOICE:
        *(int *)member(f, spec) = 0;
        break;
    case TSP_FIELD_PORTS:
        *(struct tsp_ports *)member(f, spec) = (struct tsp_ports){0};
        break;
    case TSP_FIELD_STRINGS:
        *(struct tsp_strings *)member(f, spec) = (struct tsp_strings){0};
        break;
    case TSP_FIELD_STAGES:
        *(struct tsp_stage_list *)member(f, spec) = (struct tsp_stage_list){0};
        break;
    case TSP_FIELD_CALLBACK:
        break;
    }
}

void tsp_field_store_preset(const struct tsp_field *f, void *spec)
{
    store_unset(f, spec);
    if (!f->preset)
        return;
    if (f->type == TSP_FIELD_BOOL) {
        assert(strcmp(f->preset, "true") == 0 || strcmp(f->preset, "false") == 0);
        *(bool *)member(f, spec) = strcmp(f->preset, "true") == 0;
        return;
    }
    int rc = tsp_field_store_text(f, f->preset, spec, NULL);
    assert(rc == 0);
    (void)rc;
}

const struct tsp_field *tsp_field_find(const struct tsp_field *fields, const char *name)
{
    for (const struct tsp_field *f = fields; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's: letters to insert, remove or replace. One row of the table at
 * a time; b is at most NAME_MAX_LEN long. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_LEN + 1], len = strlen(b);
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < len; j++) {
            size_t above = row[j + 1];
            row[j + 1] = smallest(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
            diagonal = above;
        }
    }
    return row[len];
}

const struct tsp_field *tsp_field_nearest(const struct tsp_field *fields, const char *name)
{
    const struct tsp_field *nearest = NULL;
    size_t len = strlen(name), best = 3 < len ? 3 : len;
    if (len > NAME_MAX_LEN)
        return NULL;
    for (const struct tsp_field *f = fields; f->name; f++) {
        size_t distance = edit_distance(f->name, name);
        if (distance < best) {
            best = distance;
            nearest = f;
        }
    }
    return nearest;
}
