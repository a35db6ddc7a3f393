#include "measure/outcome.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "support/cmocka_all.h"

static void what_an_error_amounts_to_depends_on_the_step(void **state)
{
    (void)state;
    static const struct {
        int error;
        enum tsp_step step;
        enum tsp_outcome want;
    } rows[] = {
        {ECONNREFUSED, TSP_STEP_CONNECT, TSP_REFUSED},
        {EHOSTUNREACH, TSP_STEP_CONNECT, TSP_UNREACHABLE},
        {ENETUNREACH, TSP_STEP_CONNECT, TSP_UNREACHABLE},
        {EHOSTUNREACH, TSP_STEP_REPLY, TSP_UNREACHABLE},
        {ENETDOWN, TSP_STEP_CONNECT, TSP_UNREACHABLE},
        {EHOSTDOWN, TSP_STEP_CONNECT, TSP_UNREACHABLE},
        {ENONET, TSP_STEP_CONNECT, TSP_UNREACHABLE},
        {ENOPROTOOPT, TSP_STEP_CONNECT, TSP_UNREACHABLE},
        {ENOPROTOOPT, TSP_STEP_SOCKET, TSP_OTHER},
        {EACCES, TSP_STEP_CONNECT, TSP_UNREACHABLE},
        {EACCES, TSP_STEP_REPLY, TSP_UNREACHABLE},
        {EACCES, TSP_STEP_BIND, TSP_OTHER},
        {EACCES, TSP_STEP_SOCKET, TSP_OTHER},
        {EPERM, TSP_STEP_CONNECT, TSP_UNREACHABLE},
        {EPERM, TSP_STEP_SOCKET, TSP_OTHER},
        {ETIMEDOUT, TSP_STEP_CONNECT, TSP_TIMEOUT},
        {ETIMEDOUT, TSP_STEP_REPLY, TSP_TIMEOUT},
        {ECONNRESET, TSP_STEP_SEND, TSP_RESET},
        {ECONNRESET, TSP_STEP_REPLY, TSP_RESET},
        {EPIPE, TSP_STEP_SEND, TSP_RESET},
        {ENOTCONN, TSP_STEP_SEND, TSP_RESET},
        {EADDRNOTAVAIL, TSP_STEP_BIND, TSP_NO_PORT},
        {EADDRNOTAVAIL, TSP_STEP_CONNECT, TSP_NO_PORT},
        {EADDRINUSE, TSP_STEP_BIND, TSP_NO_PORT},
        {EADDRINUSE, TSP_STEP_CONNECT, TSP_NO_PORT},
        {EADDRINUSE, TSP_STEP_REPLY, TSP_OTHER},
        {EAGAIN, TSP_STEP_CONNECT, TSP_NO_PORT},
        {EAGAIN, TSP_STEP_REPLY, TSP_OTHER},
        {EMFILE, TSP_STEP_SOCKET, TSP_NO_FD},
        {ENFILE, TSP_STEP_SOCKET, TSP_NO_FD},
        {ENOBUFS, TSP_STEP_SOCKET, TSP_NO_MEMORY},
        {ENOMEM, TSP_STEP_SEND, TSP_NO_MEMORY},
        {EPROTO, TSP_STEP_CONNECT, TSP_OTHER},
        {0, TSP_STEP_REPLY, TSP_OTHER},
        {-1, TSP_STEP_CONNECT, TSP_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum tsp_outcome got = tsp_outcome_of(rows[i].error, rows[i].step);
        if (got != rows[i].want)
            fail_msg("row %zu: %s at %s is %s, want %s", i, strerror(rows[i].error),
                     tsp_step_name(rows[i].step), tsp_outcome_name(got),
                     tsp_outcome_name(rows[i].want));
    }
}

static void no_error_at_any_step_is_a_success(void **state)
{
    (void)state;
    for (int error = -2; error < 4096; error++)
        for (int step = 0; step < TSP_STEPS; step++) {
            enum tsp_outcome got = tsp_outcome_of(error, (enum tsp_step)step);
            assert_true(got > TSP_OK && got < TSP_OUTCOMES);
        }
}

static void names_are_those_that_scripts_read(void **state)
{
    (void)state;
    static const char *const outcomes[] = {"ok",      "refused", "unreachable", "timeout", "reset",
                                           "no-port", "no-fd",   "no-memory",   "short",   "other"};
    static const char *const steps[] = {"socket", "bind", "connect", "send", "reply"};
    assert_int_equal(TSP_OUTCOMES, sizeof outcomes / sizeof outcomes[0]);
    assert_int_equal(TSP_STEPS, sizeof steps / sizeof steps[0]);
    for (int o = 0; o < TSP_OUTCOMES; o++)
        assert_string_equal(tsp_outcome_name((enum tsp_outcome)o), outcomes[o]);
    for (int s = 0; s < TSP_STEPS; s++)
        assert_string_equal(tsp_step_name((enum tsp_step)s), steps[s]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_error_amounts_to_depends_on_the_step),
        cmocka_unit_test(no_error_at_any_step_is_a_success),
        cmocka_unit_test(names_are_those_that_scripts_read),
    };
    return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
