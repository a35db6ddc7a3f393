/* check.h - what the checks of preflight share: the demand as numbers, findings
 * as text. For preflight.c and its parts only.
 */
#ifndef TSP_SYS_CHECK_H
#define TSP_SYS_CHECK_H

#include "sys/preflight.h"

/* An exchange this slow is likely enough to be warned of: one SYN sent again. */
#define TSP_SLOW 1.0

struct tsp_check {
    const struct tsp_demand *d;
    const struct tsp_limits *l;
    struct tsp_findings *out;
    double hold, timeout; /* seconds */
};

/* Connections that are opened within so many seconds at the highest rate. */
double tsp_check_opened(const struct tsp_check *c, double seconds);
/* Connections open at once when each exchange takes so many seconds. */
double tsp_check_open(const struct tsp_check *c, double exchange);
/* Tuples in use at once: open, or closed less than reuse seconds ago. */
double tsp_check_tuples(const struct tsp_check *c, double exchange, double reuse);
/* Pairs of a source address and a destination: each has all the ports. */
double tsp_check_pairs(const struct tsp_check *c);
/* Ports of one pair; 0 = not known. */
double tsp_check_ports(const struct tsp_check *c);

/* error: short even if answers come at once. warning: if they take a second.
 * note: only if all connections hang until the time-out. */
enum tsp_severity tsp_check_grade(double have, double sure, double likely, double worst);

/* A new row, all texts but what empty. Never NULL. */
struct tsp_finding *tsp_check_add(struct tsp_check *c, enum tsp_severity severity,
                                  const char *what);

#define TSP_CHECK_TEXT 48
const char *tsp_check_number(char buf[TSP_CHECK_TEXT], double value); /* "150,310" */
const char *tsp_check_rate(char buf[TSP_CHECK_TEXT], double rate);    /* "5k/s", "0.5/s" */

void tsp_check_put(char *to, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define TSP_HAVE(f, ...) tsp_check_put((f)->have, sizeof(f)->have, __VA_ARGS__)
#define TSP_NEED(f, ...) tsp_check_put((f)->need, sizeof(f)->need, __VA_ARGS__)
#define TSP_REMEDY(f, ...) tsp_check_put((f)->remedy, sizeof(f)->remedy, __VA_ARGS__)
#define TSP_EFFECT(f, ...) tsp_check_put((f)->effect, sizeof(f)->effect, __VA_ARGS__)

/* The checks about source ports (preflight_ports.c). */
void tsp_check_source_ports(struct tsp_check *c);
void tsp_check_cliff(struct tsp_check *c);
void tsp_check_reuse(struct tsp_check *c);
void tsp_check_timestamps(struct tsp_check *c);

#endif
