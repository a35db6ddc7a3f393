/* Property: what parses is finite, not negative and in range, what does not
 * leaves the output alone, and whatever parsed can be shown in 16 bytes.
 */
#include "base/units.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_hold(bool property)
{
    if (!property)
        abort();
}

/* Blocks of exact size: ASan sees one byte too far. */
static void show(int64_t ns, double value)
{
    char *buf = malloc(16);
    must_hold(buf && memchr(tsp_format_time(buf, 16, ns), '\0', 16));
    must_hold(memchr(tsp_format_count(buf, 16, value), '\0', 16));
    free(buf);
}

static void check(const char *text)
{
    double value = -1;
    int64_t ns = -1, bytes = -1;
    uint16_t lo = 9, hi = 7;
    if (tsp_parse_scaled(text, &value)) {
        must_hold(isfinite(value) && value >= 0);
        show(0, value);
    } else {
        must_hold(value == -1);
    }
    if (tsp_parse_time(text, &ns)) {
        must_hold(ns >= 0);
        show(ns, 0);
        show(-ns, 0);
    } else {
        must_hold(ns == -1);
    }
    must_hold(tsp_parse_size(text, &bytes) ? bytes >= 0 : bytes == -1);
    must_hold(tsp_parse_ports(text, &lo, &hi) ? lo <= hi : lo == 9 && hi == 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    check(text);
    free(text);
    return 0;
}
