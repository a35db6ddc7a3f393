/* field.h - one option of a table of options: name, type, range, default, help.
 *
 * A struct that a script fills (tsp_run_spec, tsp_server_spec) is described by
 * an array of these rows, ended by one without a name. Whoever reads options
 * walks the rows; no other place knows an option by name.
 */
#ifndef TSP_BASE_FIELD_H
#define TSP_BASE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* What an option that was not given holds: TSP_UNSET in a RATE, NUMBER, TIME,
 * COUNT or SIZE member; NULL, an empty list or false in the others. */
#define TSP_UNSET (-1)

enum tsp_field_type {
    TSP_FIELD_STRING,  /* const char *: belongs to the caller */
    TSP_FIELD_DATA,    /* struct tsp_data: bytes, may hold NUL; belongs to the caller */
    TSP_FIELD_RATE,    /* double, per second; "25k" */
    TSP_FIELD_TIME,    /* int64_t ns; number of seconds or "250ms" */
    TSP_FIELD_COUNT,   /* int64_t, a whole number; "5k" */
    TSP_FIELD_SIZE,    /* int64_t bytes; "64M" */
    TSP_FIELD_BOOL,    /* bool */
    TSP_FIELD_CHOICE,  /* int: index into the row's choices */
    TSP_FIELD_PORTS,   /* struct tsp_ports: port number or "lo-hi" */
    TSP_FIELD_STRINGS, /* struct tsp_strings: one string or a list of them */
    TSP_FIELD_STAGES,  /* struct tsp_stage_list: list of {rate=, rate_to=, length=} */
    TSP_FIELD_CALLBACK /* not stored here: a Lua function the binding takes care of */
};

struct tsp_data {
    const char *bytes; /* NULL = not given */
    size_t len;
};

struct tsp_ports {
    uint16_t lo, hi; /* 0, 0 = not given, or "any" where the row's min is 0 */
};

struct tsp_strings {
    const char **item; /* array and strings belong to the caller */
    size_t count;
};

struct tsp_field_stage {
    double rate, rate_to; /* rate_to may be TSP_UNSET */
    int64_t length_ns;
};

struct tsp_stage_list {
    struct tsp_field_stage *item; /* belongs to the caller */
    size_t count;
};

struct tsp_field {
    const char *name;
    enum tsp_field_type type;
    size_t at;           /* offsetof in the spec */
    const char *preset;  /* text of the default; NULL = stays unset */
    double min, max;     /* RATE, COUNT, SIZE: of the value; TIME: seconds; PORTS: of both ends */
    const char *help;    /* a few words: "connections per second" */
    const char *choices; /* CHOICE: "half|reset" */
};

/* What a person may write for this type: `number or string like "25k"`. */
const char *tsp_field_wants(const struct tsp_field *f);

/* Stores a value given as text, or as a number, checked against the row's
 * range. The sentence in err says what is wrong, not which field:
 * `number or string like "25k" expected, got '25q'`, `must be 1 .. 65535, got 0`.
 * STRING, DATA, RATE, TIME, COUNT, SIZE, CHOICE, PORTS; -EINVAL for the others. */
int tsp_field_store_text(const struct tsp_field *f, const char *text, void *spec,
                         struct tsp_err *err);
int tsp_field_store_number(const struct tsp_field *f, double value, void *spec,
                           struct tsp_err *err);

/* Stores the default, or leaves the member unset. Presets are part of the
 * program: one that does not parse is a bug and asserts. */
void tsp_field_store_preset(const struct tsp_field *f, void *spec);

/* The row called name, or NULL. */
const struct tsp_field *tsp_field_find(const struct tsp_field *fields, const char *name);

/* The row whose name is nearest to a mistyped one (edit distance <= 2 and less
 * than the word's length), or NULL. */
const struct tsp_field *tsp_field_nearest(const struct tsp_field *fields, const char *name);

#endif
