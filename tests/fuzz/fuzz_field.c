/* Property: a value is stored within its row's range, or refused with one line
 * that a terminal can show, and then nothing is stored. The first eight bytes
 * are also tried as a number, the rest as text and as a mistyped name.
 */
#include "base/field.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union spec {
    double rate;
    int64_t whole;
    int choice;
    struct tsp_ports ports;
    const char *text;
    struct tsp_data data;
};

/* clang-format off */
static const struct tsp_field fields[] = {
    {"rate",    TSP_FIELD_RATE,     0, NULL, 1e-3, 1e7,   "", NULL},
    {"timeout", TSP_FIELD_TIME,     0, NULL, 1e-3, 1e4,   "", NULL},
    {"count",   TSP_FIELD_COUNT,    0, NULL, 1,    1e9,   "", NULL},
    {"open",    TSP_FIELD_COUNT,    0, NULL, 0,    0,     "", NULL},
    {"size",    TSP_FIELD_SIZE,     0, NULL, 1,    1e9,   "", NULL},
    {"length",  TSP_FIELD_TIME,     0, NULL, 0,    0,     "", NULL},
    {"port",    TSP_FIELD_PORTS,    0, NULL, 1,    65535, "", NULL},
    {"close",   TSP_FIELD_CHOICE,   0, NULL, 0,    0,     "", "half|reset"},
    {"quiet",   TSP_FIELD_BOOL,     0, NULL, 0,    0,     "", NULL},
    {"stages",  TSP_FIELD_STAGES,   0, NULL, 0,    0,     "", NULL},
    {NULL,      TSP_FIELD_STRING,   0, NULL, 0,    0,     "", NULL},
};
/* clang-format on */

static void must_hold(bool property)
{
    if (!property)
        abort();
}

static bool fits(const struct tsp_field *f, double v)
{
    return v >= f->min && (f->max == 0 || v <= f->max);
}

static void check_stored(const struct tsp_field *f, const union spec *s)
{
    if (f->type == TSP_FIELD_RATE)
        must_hold(isfinite(s->rate) && fits(f, s->rate));
    else if (f->type == TSP_FIELD_TIME)
        must_hold(s->whole >= 0 && fits(f, (double)s->whole / 1e9));
    else if (f->type == TSP_FIELD_COUNT || f->type == TSP_FIELD_SIZE)
        must_hold(s->whole >= 0 && fits(f, (double)s->whole));
    else if (f->type == TSP_FIELD_PORTS)
        must_hold(s->ports.lo >= 1 && s->ports.lo <= s->ports.hi);
    else
        must_hold(f->type == TSP_FIELD_CHOICE && (s->choice == 0 || s->choice == 1));
}

static void check_outcome(const struct tsp_field *f, int rc, const union spec *s,
                          const struct tsp_err *err)
{
    union spec untouched;
    memset(&untouched, 0x5a, sizeof untouched);
    if (rc == 0) {
        check_stored(f, s);
        return;
    }
    must_hold(rc == -EINVAL && err->code == EINVAL && err->msg[0]);
    must_hold(memcmp(s, &untouched, sizeof untouched) == 0);
    for (const char *c = err->msg; *c; c++)
        must_hold((unsigned char)*c >= ' ' && *c != 127);
}

static void check(const char *text, double number)
{
    for (const struct tsp_field *f = fields; f->name; f++) {
        struct tsp_err err = {0};
        union spec s;
        memset(&s, 0x5a, sizeof s);
        int rc = tsp_field_store_text(f, text, &s, &err);
        check_outcome(f, rc, &s, &err);
        memset(&s, 0x5a, sizeof s);
        rc = tsp_field_store_number(f, number, &s, &err);
        check_outcome(f, rc, &s, &err);
    }
    const struct tsp_field *same = tsp_field_find(fields, text);
    const struct tsp_field *near = tsp_field_nearest(fields, text);
    must_hold(!same || near == same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    double number = 0;
    memcpy(&number, data, size < sizeof number ? size : sizeof number);
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    check(text, number);
    free(text);
    return 0;
}
