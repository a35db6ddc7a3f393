/* floor.c - the same exchange as tspam's in bare epoll, as the measure for it.
 *
 *   floor both|client|server [-t THREADS] [-c CONCURRENCY] [-s SECONDS] [-p PORT]
 *         [-q REQUEST_BYTES] [-a ANSWER_BYTES] [-i] [-f] [-w]
 *     -t threads of each role    -c connections going at once, in a closed loop
 *     -i send immediately        -f data and FIN in one segment    -w walk over source ports
 * "server" runs until SIGTERM. Prints one JSON line.
 */
#include "bench/floor.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64

struct floor_settings floor_set = {
    .threads = 1, .concurrency = 64, .seconds = 2, .port = 2345, .request = 68, .answer = 5424};
atomic_bool floor_ending;

static struct floor_part clients[THREADS_MAX], servers[THREADS_MAX];

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void wait_for_end(bool client)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    struct timespec length = {.tv_sec = (time_t)floor_set.seconds};
    length.tv_nsec = (long)((floor_set.seconds - (double)length.tv_sec) * 1e9);
    sigtimedwait(&set, NULL, client ? &length : NULL);
    atomic_store(&floor_ending, true);
}

static void start(pthread_t *thread, void *(*role)(void *), struct floor_part *parts)
{
    for (unsigned i = 0; i < floor_set.threads; i++) {
        parts[i].index = i;
        if (pthread_create(&thread[i], NULL, role, &parts[i]) != 0) {
            fprintf(stderr, "floor: no thread\n");
            exit(2);
        }
    }
}

static uint64_t join(const pthread_t *thread, const struct floor_part *parts, uint64_t *failed)
{
    uint64_t done = 0;
    for (unsigned i = 0; i < floor_set.threads; i++) {
        pthread_join(thread[i], NULL);
        done += parts[i].done;
        *failed += parts[i].failed;
    }
    return done;
}

static void run(bool client, bool server)
{
    pthread_t client_thread[THREADS_MAX], server_thread[THREADS_MAX];
    struct timespec from, to;
    struct rusage used;
    uint64_t done = 0, failed = 0;
    if (server)
        start(server_thread, floor_server, servers);
    if (client && server)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* the servers listen */
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (client)
        start(client_thread, floor_client, clients);
    wait_for_end(client);
    if (client)
        done = join(client_thread, clients, &failed);
    clock_gettime(CLOCK_MONOTONIC, &to);
    uint64_t served = server ? join(server_thread, servers, &failed) : 0;
    double elapsed = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"connections\":%llu,\"failed\":%llu,\"served\":%llu,\"elapsed\":%.3f,"
           "\"per_second\":%.1f,\"user\":%.6f,\"system\":%.6f}\n",
           (unsigned long long)done, (unsigned long long)failed, (unsigned long long)served,
           elapsed, (double)done / elapsed, seconds_of(used.ru_utime), seconds_of(used.ru_stime));
}

static bool read_arguments(int argc, char **argv)
{
    int o;
    while ((o = getopt(argc, argv, "t:c:s:p:q:a:ifw")) != -1) {
        if (o == 't')
            floor_set.threads = (unsigned)atoi(optarg);
        else if (o == 'c')
            floor_set.concurrency = (unsigned)atoi(optarg);
        else if (o == 's')
            floor_set.seconds = atof(optarg);
        else if (o == 'p')
            floor_set.port = atoi(optarg);
        else if (o == 'q')
            floor_set.request = strtoul(optarg, NULL, 10);
        else if (o == 'a')
            floor_set.answer = strtoul(optarg, NULL, 10);
        else if (o == 'i')
            floor_set.immediate = true;
        else if (o == 'f')
            floor_set.coalesce = true;
        else if (o == 'w')
            floor_set.walk = true;
        else
            return false;
    }
    return floor_set.threads >= 1 && floor_set.threads <= THREADS_MAX &&
           floor_set.concurrency >= floor_set.threads;
}

int main(int argc, char **argv)
{
    bool both = argc > 1 && strcmp(argv[1], "both") == 0;
    bool client = both || (argc > 1 && strcmp(argv[1], "client") == 0);
    bool server = both || (argc > 1 && strcmp(argv[1], "server") == 0);
    if (!(client || server) || !read_arguments(argc - 1, argv + 1)) {
        fprintf(stderr, "usage: floor both|client|server [-t N] [-c N] [-s SECONDS] [-p PORT]"
                        " [-q BYTES] [-a BYTES] [-i] [-f] [-w]\n");
        return 2;
    }
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    run(client, server);
    return 0;
}
