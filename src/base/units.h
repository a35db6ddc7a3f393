/* units.h - numbers as people write them, and back.
 *
 * Parsers take the whole text (surrounding blanks are allowed, anything else
 * left over is not) and return false without touching *out when it does not
 * parse. What parses is finite. No negative numbers, no hex, no "inf".
 */
#ifndef TSP_BASE_UNITS_H
#define TSP_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "25k" -> 25000, "2.1k", "1M", "0.5"; factors k, M, G are thousands. An
 * ending "/s" is allowed ("25k/s"). */
bool tsp_parse_scaled(const char *text, double *out);

/* "10" and "10s" -> 10e9 ns; "250ms", "40us", "5ns", "2m" (minutes), "1h". */
bool tsp_parse_time(const char *text, int64_t *ns);

/* "64M" -> 67108864; factors K, M, G (k too) are 1024's. Bytes. */
bool tsp_parse_size(const char *text, int64_t *bytes);

/* "2345" -> 2345..2345, "2345-2354". lo <= hi <= 65535. */
bool tsp_parse_ports(const char *text, uint16_t *lo, uint16_t *hi);

/* Three significant figures with a unit, for messages: "1.23 ms", "30 s",
 * "25.0k". Returns buf. size >= 16 is enough. */
char *tsp_format_time(char *buf, size_t size, int64_t ns);
char *tsp_format_count(char *buf, size_t size, double value);

#endif
