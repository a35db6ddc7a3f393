/* probe_witness.c - how long this machine kept a process from running.
 *
 * The machine is shared: for tens of milliseconds all of it may stand still, and what a
 * test takes for the cable's doing is the host's. One thread per processor sleeps for a
 * millisecond at a time and notes how late it wakes; it takes part in nothing, so what it
 * says is not a figure of the run that it is held against.
 */
#include "probe.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define STEP_NS 1000000L
#define LATE_NS 8000000 /* less is what a busy machine does to anybody: no run is late for it */
#define THREADS 64

struct watch {
    pthread_t thread;
    size_t cpu;
    uint64_t longest, lost, all; /* ns; lost: in wake-ups later than LATE_NS */
};

/* A processor this process may not run on leaves the thread where it is. */
static void pin_to(size_t cpu)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

static void *watch_one(void *arg)
{
    struct watch *w = arg;
    pin_to(w->cpu);
    uint64_t from = probe_now();
    while (!probe_ending) {
        uint64_t due = probe_now() + STEP_NS;
        nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
        uint64_t woke = probe_now(), late = woke > due ? woke - due : 0;
        w->longest = late > w->longest ? late : w->longest;
        w->lost += late > LATE_NS ? late : 0;
    }
    w->all = probe_now() - from;
    return NULL;
}

int probe_witness(int argc, char **argv)
{
    struct watch all[THREADS] = {0};
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int n = 0;
    uint64_t longest = 0;
    double lost = 0;
    (void)argc;
    (void)argv;
    for (int i = 0; i < cpus && i < THREADS; i++) {
        all[n].cpu = (size_t)i;
        n += pthread_create(&all[n].thread, NULL, watch_one, &all[n]) == 0;
    }
    if (n == 0) {
        fprintf(stderr, "probe: no thread could be started\n");
        return 1;
    }
    puts("watching"); /* from now on it hears SIGTERM */
    fflush(stdout);
    for (int i = 0; i < n; i++) {
        pthread_join(all[i].thread, NULL);
        longest = all[i].longest > longest ? all[i].longest : longest;
        double share = all[i].all ? (double)all[i].lost / (double)all[i].all : 0;
        lost = share > lost ? share : lost;
    }
    printf("%.3f %.3f\n", (double)longest / 1e6, 100 * lost);
    return 0;
}
