#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"

/* Whole numbers up to here are exact in a double. */
#define EXACT 9007199254740992.0

/* The largest double below 2^63. */
#define INT64_TOP 9223372036854774784.0

struct unit {
    const char *name;
    double factor;
};

static const struct unit thousands[] = {
    {"", 1}, {"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {NULL, 0},
};

static const struct unit times[] = {
    {"", 1e9}, {"s", 1e9},  {"ms", 1e6},   {"us", 1e3},
    {"ns", 1}, {"m", 60e9}, {"h", 3600e9}, {NULL, 0},
};

static const struct unit sizes[] = {
    {"", 1}, {"k", 1024}, {"K", 1024}, {"M", 1048576}, {"G", 1073741824}, {NULL, 0},
};

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, BLANKS);
}

/* Reads a plain decimal number; NULL when there is none. strtod alone would
 * also take "inf", "nan", "0x10" and a sign. */
static const char *read_number(const char *text, double *out)
{
    size_t digits = strspn(text, "0123456789.");
    if (digits == 0 || text[digits] == 'x' || text[digits] == 'X')
        return NULL;
    char *end;
    *out = strtod(text, &end);
    return end == text ? NULL : end;
}

static const struct unit *find_unit(const struct unit *units, const char *name, size_t len)
{
    for (const struct unit *u = units; u->name; u++)
        if (strlen(u->name) == len && memcmp(u->name, name, len) == 0)
            return u;
    return NULL;
}

/* 1.001 * 1e3 is 1000.9999999999999: what a person meant is the whole number. */
static double settle(double v)
{
    if (v >= EXACT)
        return v;
    double whole = (double)(int64_t)(v + 0.5);
    return v - whole < v * 1e-15 && whole - v < v * 1e-15 ? whole : v;
}

/* tail: text allowed after the unit, or "". */
static bool parse(const char *text, const struct unit *units, const char *tail, double *out)
{
    double number;
    const char *rest = read_number(skip_blanks(text), &number);
    if (!rest)
        return false;
    size_t len = strlen(rest), tail_len = strlen(tail);
    while (len > 0 && strchr(BLANKS, rest[len - 1]))
        len--;
    if (tail_len > 0 && len >= tail_len && memcmp(rest + len - tail_len, tail, tail_len) == 0)
        len -= tail_len;
    const struct unit *unit = find_unit(units, rest, len);
    if (!unit)
        return false;
    double value = settle(number * unit->factor);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

static bool parse_whole(const char *text, const struct unit *units, int64_t *out)
{
    double value;
    if (!parse(text, units, "", &value) || value > INT64_TOP)
        return false;
    *out = value < EXACT ? (int64_t)(value + 0.5) : (int64_t)value;
    return true;
}

bool tsp_parse_scaled(const char *text, double *out)
{
    return parse(text, thousands, "/s", out);
}

bool tsp_parse_time(const char *text, int64_t *ns)
{
    return parse_whole(text, times, ns);
}

bool tsp_parse_size(const char *text, int64_t *bytes)
{
    return parse_whole(text, sizes, bytes);
}

/* A port of at most five digits; NULL when there is none. */
static const char *read_port(const char *text, uint16_t *out)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5)
        return NULL;
    unsigned long port = strtoul(text, NULL, 10);
    if (port > UINT16_MAX)
        return NULL;
    *out = (uint16_t)port;
    return text + digits;
}

bool tsp_parse_ports(const char *text, uint16_t *lo, uint16_t *hi)
{
    uint16_t first, last;
    const char *rest = read_port(skip_blanks(text), &first);
    if (!rest)
        return false;
    last = first;
    if (*rest == '-')
        rest = read_port(rest + 1, &last);
    if (!rest || *skip_blanks(rest) != '\0' || last < first)
        return false;
    *lo = first;
    *hi = last;
    return true;
}

/* Decimals that make three significant figures of 0 <= v < 999.5. */
static int decimals(double v)
{
    return v < 9.995 ? 2 : v < 99.95 ? 1 : 0;
}

/* "30.0" -> "30", "1.50" -> "1.5"; leaves the end of the text in *end. */
static void trim_zeros(char *text)
{
    if (!strchr(text, '.'))
        return;
    size_t len = strlen(text);
    while (text[len - 1] == '0')
        len--;
    if (text[len - 1] == '.')
        len--;
    text[len] = '\0';
}

char *tsp_format_time(char *buf, size_t size, int64_t ns)
{
    static const struct unit units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    double value = (double)ns;
    const char *sign = value < 0 ? "-" : "";
    if (value < 0)
        value = -value;
    size_t i = 0;
    while (i < 3 && value / units[i].factor >= 999.5)
        i++;
    value /= units[i].factor;
    char digits[32];
    snprintf(digits, sizeof digits, "%.*f", decimals(value), value);
    trim_zeros(digits);
    snprintf(buf, size, "%s%s %s", sign, digits, value == 0 ? "s" : units[i].name);
    return buf;
}

char *tsp_format_count(char *buf, size_t size, double value)
{
    static const struct unit units[] = {{"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}};
    if (!(value >= 999.5) || value >= 999.5e12) {
        snprintf(buf, size, "%.3g", value);
        return buf;
    }
    size_t i = 0;
    while (value / units[i].factor >= 999.5)
        i++;
    value /= units[i].factor;
    snprintf(buf, size, "%.*f%s", decimals(value), value, units[i].name);
    return buf;
}
