/* Which addresses are this machine's: to bind, and as a target. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/addr.h"
#include "support/cmocka_all.h"

static int bind_code;    /* errno of the next bind; 0 = the real call */
static int bound_port;   /* what the last bind made of its port */
static int netlink_code; /* errno of the next socket to the kernel's routing */

int __real_bind(int fd, const struct sockaddr *a, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *a, socklen_t len);
int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);

int __wrap_bind(int fd, const struct sockaddr *a, socklen_t len)
{
    struct tsp_addr bound = {.len = sizeof bound.v6};
    if (bind_code) {
        errno = bind_code;
        return -1;
    }
    int rc = __real_bind(fd, a, len);
    if (rc == 0 && getsockname(fd, &bound.sa, &bound.len) == 0)
        bound_port = tsp_addr_port(&bound);
    return rc;
}

int __wrap_socket(int family, int type, int protocol)
{
    if (family != AF_NETLINK || netlink_code == 0)
        return __real_socket(family, type, protocol);
    errno = netlink_code;
    return -1;
}

static int next_fd(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static struct tsp_addr at(const char *text)
{
    struct tsp_addr a;
    assert_int_equal(tsp_addr_resolve(&a, text, AF_UNSPEC, NULL), 0);
    return a;
}

static void a_source_that_cannot_be_bound_is_refused_with_its_mend(void **state)
{
    struct tsp_addr loopback = at("127.0.0.1"), elsewhere = at("192.0.2.77"),
                    v6 = at("2001:db8::7");
    struct tsp_err err = {0};
    int before = next_fd();
    (void)state;
    tsp_addr_set_port(&loopback, 1);
    assert_int_equal(tsp_addr_check_local(&loopback, &err), 0);
    assert_int_equal(tsp_addr_port(&loopback), 1);
    bind_code = EADDRNOTAVAIL;
    assert_int_equal(tsp_addr_check_local(&elsewhere, &err), -EADDRNOTAVAIL);
    assert_string_equal(err.msg, "this machine does not have the address 192.0.2.77 (to add it: ip "
                                 "address add 192.0.2.77/32 dev lo)");
    assert_int_equal(tsp_addr_check_local(&v6, &err), -EADDRNOTAVAIL);
    assert_non_null(strstr(err.msg, "2001:db8::7/128 dev lo"));
    bind_code = EACCES;
    assert_int_equal(tsp_addr_check_local(&elsewhere, &err), -EACCES);
    assert_string_equal(err.msg, "bind to local address 192.0.2.77: Permission denied");
    bind_code = 0;
    assert_int_equal(next_fd(), before);
}

/* Right after a walk over the whole range there is none to take. */
static void a_source_address_is_checked_without_taking_a_port(void **state)
{
    struct tsp_addr loopback = at("127.0.0.1");
    (void)state;
    bound_port = -1;
    assert_int_equal(tsp_addr_check_local(&loopback, NULL), 0);
    assert_int_equal(bound_port, 0);
}

static void routing_says_which_targets_end_on_this_machine(void **state)
{
    static const struct {
        const char *text;
        bool local;
    } rows[] = {
        {"127.0.0.1", true},
        {"127.45.6.7", true},
        {"0.0.0.0", true},
        {"::", true},
        {"::1", true},
        {"::ffff:127.0.0.9", true},
        {"192.0.2.77", false},
        {"::ffff:192.0.2.77", false},
        {"255.255.255.255", false}, /* bind takes it */
        {"2001:db8::7", false},
        {"fe80::7%lo", false},
    };
    int before = next_fd();
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_addr a = at(rows[i].text);
        tsp_addr_set_port(&a, 1);
        if (tsp_addr_is_local(&a) != rows[i].local)
            fail_msg("row %zu: %s", i, rows[i].text);
    }
    assert_int_equal(next_fd(), before);
}

static void a_local_target_whose_ports_are_all_taken_is_still_local(void **state)
{
    struct tsp_addr loopback = at("127.0.0.1");
    (void)state;
    bind_code = EADDRINUSE;
    assert_true(tsp_addr_is_local(&loopback));
    bind_code = 0;
}

static void where_routing_cannot_be_asked_loopback_is_local(void **state)
{
    struct tsp_addr loopback = at("127.0.0.9"), v6 = at("::1"), elsewhere = at("192.0.2.77");
    int before = next_fd();
    (void)state;
    netlink_code = EACCES;
    assert_true(tsp_addr_is_local(&loopback));
    assert_true(tsp_addr_is_local(&v6));
    assert_false(tsp_addr_is_local(&elsewhere));
    netlink_code = 0;
    assert_int_equal(next_fd(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_that_cannot_be_bound_is_refused_with_its_mend),
        cmocka_unit_test(a_source_address_is_checked_without_taking_a_port),
        cmocka_unit_test(routing_says_which_targets_end_on_this_machine),
        cmocka_unit_test(a_local_target_whose_ports_are_all_taken_is_still_local),
        cmocka_unit_test(where_routing_cannot_be_asked_loopback_is_local),
    };
    return cmocka_run_group_tests_name("addr_local", tests, NULL, NULL);
}
