#include "integration/load.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "integration/server_client.h"
#include "support/cmocka_all.h"

static int open_before;

struct tsp_run_spec load_spec(uint16_t port)
{
    struct tsp_run_spec spec = {0};
    for (const struct tsp_field *f = tsp_run_fields; f->name; f++)
        tsp_field_store_preset(f, &spec);
    spec.port = (struct tsp_ports){port, port};
    spec.workers = 2;
    return spec;
}

struct tsp_run *load_start(struct tsp_run_spec *spec)
{
    struct tsp_run *run = NULL;
    struct tsp_err err = {0};
    if (tsp_run_spec_check(spec, &err) || tsp_run_start(&run, spec, &err))
        fail_msg("start: %s", err.msg);
    return run;
}

struct tsp_result load_end(struct tsp_run *run)
{
    struct tsp_result r;
    assert_int_equal(tsp_run_wait(run, &r, NULL, NULL), 0);
    tsp_run_free(run);
    load_assert_sums(&r);
    return r;
}

struct tsp_result load_run(struct tsp_run_spec *spec)
{
    return load_end(load_start(spec));
}

void load_assert_sums(const struct tsp_result *r)
{
    uint64_t started = 0, ok = 0, failed = 0;
    double time = 0;
    assert_true(tsp_tally_adds_up(&r->tally, !r->closed_loop));
    assert_int_equal(r->tally.open, 0);
    for (size_t i = 0; i < r->timeline.count; i++) {
        const struct tsp_interval *t = &r->timeline.item[i];
        assert_true(t->time > time);
        time = t->time;
        started += t->started;
        ok += t->ok;
        failed += t->failed;
    }
    assert_int_equal(started, r->tally.started);
    assert_int_equal(ok, r->tally.ok);
    assert_int_equal(failed, r->tally.failed);
}

/* "refused/connect 3, timeout/reply 1" */
static const char *causes(const struct tsp_tally *t)
{
    static char text[300];
    size_t len = 0;
    text[0] = '\0';
    for (int o = 0; o < TSP_OUTCOMES; o++)
        for (int s = 0; s < TSP_STEPS; s++)
            if (t->failure[o][s] && len < sizeof text)
                len += (size_t)snprintf(text + len, sizeof text - len, "%s/%s %llu ",
                                        tsp_outcome_name((enum tsp_outcome)o),
                                        tsp_step_name((enum tsp_step)s),
                                        (unsigned long long)t->failure[o][s]);
    return text;
}

static void assert_started(const struct tsp_tally *t, uint64_t due, uint64_t all)
{
    if (t->due != due || t->started != due || all != due)
        fail_msg("due %llu, not %llu; ok %llu, aborted %llu, capped %llu, not started %llu; %s",
                 (unsigned long long)t->due, (unsigned long long)due, (unsigned long long)t->ok,
                 (unsigned long long)t->aborted, (unsigned long long)t->capped,
                 (unsigned long long)t->not_started, causes(t));
}

void load_assert_all_ok(const struct tsp_result *r, uint64_t due)
{
    load_assert_all_ok_early(r, due, 0);
}

void load_assert_all_ok_early(const struct tsp_result *r, uint64_t due, uint64_t early)
{
    assert_started(&r->tally, due, r->tally.ok);
    assert_int_equal(r->tally.answered_early, early);
    for (int p = 0; p < TSP_PHASES; p++)
        if (p != TSP_PHASE_FIRST_BYTE)
            assert_int_equal(tsp_hist_count(r->tally.phase[p]),
                             p == TSP_PHASE_LAG && r->closed_loop ? 0 : due);
    assert_int_equal(tsp_hist_count(r->tally.phase[TSP_PHASE_FIRST_BYTE]), due - early);
}

void load_assert_all_failed(const struct tsp_result *r, uint64_t due, enum tsp_outcome o,
                            enum tsp_step step)
{
    assert_started(&r->tally, due, r->tally.failure[o][step]);
}

const char *load_own_address(int last)
{
    static char text[4][24];
    static int turn;
    turn = (turn + 1) % 4;
    int pid = (int)getpid();
    snprintf(text[turn], sizeof text[turn], "127.%d.%d.%d", 1 + pid / 250 % 250, 1 + pid % 250,
             last);
    return text[turn];
}

static int child(int from, int (*test)(uint16_t port))
{
    uint16_t port;
    bool told = read(from, &port, sizeof port) == sizeof port;
    close(from);
    return told ? test(port) : 99;
}

int load_in_child(peer_manner *manner, int (*test)(uint16_t port))
{
    int channel[2], status;
    assert_int_equal(pipe2(channel, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(channel[1]);
        _exit(child(channel[0], test));
    }
    struct peer *p = peer_start("127.0.0.1", 0, manner);
    assert_int_equal(write(channel[1], &p->port, sizeof p->port), sizeof p->port);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(channel[0]);
    close(channel[1]);
    peer_end(p);
    free(p);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int load_in_own_namespace(int (*test)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
        if (unshare(CLONE_NEWNET) == -1)
            _exit(77);
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd == -1 || ioctl(fd, SIOCSIFFLAGS, &lo) == -1)
            _exit(77);
        close(fd);
        _exit(test());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int load_setup(void **state)
{
    (void)state;
    open_before = descriptors();
    return 0;
}

int load_teardown(void **state)
{
    (void)state;
    int now = descriptors();
    if (now != open_before)
        print_error("%d descriptors are open, not %d\n", now, open_before);
    return now != open_before;
}
