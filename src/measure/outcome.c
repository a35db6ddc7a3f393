#include "measure/outcome.h"

#include <errno.h>
#include <stddef.h>

#define AT(step) (1u << TSP_STEP_##step)
#define ANY (~0u)
#define ON_THE_WAY (AT(CONNECT) | AT(SEND) | AT(REPLY))

static const char *const outcomes[TSP_OUTCOMES] = {
#define X(id, name) [TSP_##id] = name,
#include "measure/outcomes.def"
#undef X
};

static const char *const steps[TSP_STEPS] = {
    [TSP_STEP_SOCKET] = "socket", [TSP_STEP_BIND] = "bind",   [TSP_STEP_CONNECT] = "connect",
    [TSP_STEP_SEND] = "send",     [TSP_STEP_REPLY] = "reply",
};

/* What an errno value amounts to, and at which steps; elsewhere it is OTHER. */
/* clang-format off */
static const struct {
    int error;
    enum tsp_outcome outcome;
    unsigned at;
} causes[] = {
    {ECONNREFUSED,  TSP_REFUSED,     ANY},
    {EHOSTUNREACH,  TSP_UNREACHABLE, ANY},
    {ENETUNREACH,   TSP_UNREACHABLE, ANY},
    {ENETDOWN,      TSP_UNREACHABLE, ANY},
    {EHOSTDOWN,     TSP_UNREACHABLE, ANY}, /* ICMP "host unknown" */
    {ENONET,        TSP_UNREACHABLE, ANY}, /* ICMP "host isolated" */
    {ENOPROTOOPT,   TSP_UNREACHABLE, AT(CONNECT)}, /* ICMP "protocol unreachable" */
    {EACCES,        TSP_UNREACHABLE, ON_THE_WAY},  /* ICMPv6 "prohibited"; at bind: a low port */
    {EPERM,         TSP_UNREACHABLE, AT(CONNECT)}, /* our own firewall dropped the SYN */
    {ETIMEDOUT,     TSP_TIMEOUT,     ANY},
    {ECONNRESET,    TSP_RESET,       ANY},
    {EPIPE,         TSP_RESET,       ANY},
    {ENOTCONN,      TSP_RESET,       ANY}, /* shutdown(2) after a reset */
    {EADDRNOTAVAIL, TSP_NO_PORT,     AT(BIND) | AT(CONNECT)},
    {EADDRINUSE,    TSP_NO_PORT,     AT(BIND) | AT(CONNECT)},
    /* Not "try again later", which is EINPROGRESS: connect(2) has it for a
     * kernel that finds no local port by itself. */
    {EAGAIN,        TSP_NO_PORT,     AT(CONNECT)},
    {EMFILE,        TSP_NO_FD,       ANY},
    {ENFILE,        TSP_NO_FD,       ANY},
    {ENOBUFS,       TSP_NO_MEMORY,   ANY},
    {ENOMEM,        TSP_NO_MEMORY,   ANY},
};
/* clang-format on */

const char *tsp_outcome_name(enum tsp_outcome o)
{
    return outcomes[o];
}

const char *tsp_step_name(enum tsp_step s)
{
    return steps[s];
}

enum tsp_outcome tsp_outcome_of(int error, enum tsp_step step)
{
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if (causes[i].error == error && (causes[i].at & 1u << step))
            return causes[i].outcome;
    }
    return TSP_OTHER;
}
