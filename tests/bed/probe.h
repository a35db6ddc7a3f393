/* probe.h - the roles of probe: a reference client, a reference server, and a witness.
 *
 * The probe is the least program that shows what a bed does, so that a bed can
 * be held against arithmetic and not against tspam. One thread, bare epoll,
 * nothing shared with tspam.
 */
#ifndef TSP_BED_PROBE_H
#define TSP_BED_PROBE_H

#include <signal.h>
#include <stdint.h>

extern volatile sig_atomic_t probe_ending; /* SIGTERM or SIGINT came */

uint64_t probe_now(void); /* monotonic, ns */

/* All take the arguments from the role's name on and return the exit status. */
int probe_server(int argc, char **argv);
int probe_rate(int argc, char **argv);
int probe_witness(int argc, char **argv);

#endif
