/* interrupt.h - SIGINT, SIGTERM and SIGHUP as a flag and a descriptor.
 *
 * The only global state in tspam. The first signal sets the flag and makes the
 * descriptor readable for ever; the second ends the process at once (but SIGHUP after
 * SIGHUP: a terminal that closes sends two).
 */
#ifndef TSP_BASE_INTERRUPT_H
#define TSP_BASE_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Main thread, once, before other threads start. SIGHUP stays ignored where it was. From
 * then on SIGPIPE ends nothing here; commands that are started meet it as we did. */
int tsp_interrupt_install(struct tsp_err *err);

/* The signal that came, or 0. Any thread. */
int tsp_interrupted(void);

/* Poll it for POLLIN; never read it. -1 before install. */
int tsp_interrupt_fd(void);

/* Sleeps; true when it was, or had already been, interrupted. */
bool tsp_interrupt_sleep(int64_t ns);

#endif
