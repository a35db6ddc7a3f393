/* probe.c - reference client and server for the bed, and a witness of the machine.
 *
 *   probe server [-p PORT] [-b BACKLOG] [-w US]
 *     answers each client its own address, "198.19.0.1 40000\n", after US of work,
 *     one client at a time
 *   probe rate -h HOST -r RATE -s SECONDS [-p PORT] [-t TIMEOUT_MS] [-i SOURCE]... [-n BYTES]
 *              [-o CSV]
 *     open loop: connection k is due at start + k / RATE, and its latency counts from
 *     then; prints one JSON line, and with -o a row per connection
 *   probe witness
 *     says "watching", wakes every millisecond on each processor until it is ended, then
 *     prints how late the latest of these wake-ups was, in ms, and the percent of the time
 *     that went with those more than 8 ms late
 */
#include "probe.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

volatile sig_atomic_t probe_ending;

static void on_end(int signal)
{
    (void)signal;
    probe_ending = 1;
}

uint64_t probe_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_end};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1000UL); /* wake 1 us late, not 50 */
    if (argc > 1 && strcmp(argv[1], "server") == 0)
        return probe_server(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "rate") == 0)
        return probe_rate(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "witness") == 0)
        return probe_witness(argc - 1, argv + 1);
    fprintf(stderr, "usage: probe server|rate|witness ...\n");
    return 2;
}
