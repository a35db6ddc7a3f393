#include "net/addr.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka_all.h"

static int grows_left = -1; /* until growing fails; -1 = it never does */

void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **out);
void __wrap_freeaddrinfo(struct addrinfo *a);

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    if (grows_left == 0)
        return NULL;
    grows_left -= grows_left > 0;
    return __real_reallocarray(p, n, size);
}

/* The resolver: answers 192.0.2.7, or an EAI_ code the test returns. */
static int found_now;

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **out)
{
    check_expected_ptr(host);
    int family = hints->ai_family;
    check_expected(family);
    assert_null(service);
    int code = mock_type(int);
    if (code)
        return code;
    static struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {0}};
    static struct addrinfo found = {.ai_family = AF_INET, .ai_addrlen = sizeof v4};
    v4.sin_addr.s_addr = htonl(0xc0000207);
    found.ai_addr = (struct sockaddr *)&v4;
    *out = &found;
    found_now++;
    return 0;
}

void __wrap_freeaddrinfo(struct addrinfo *a)
{
    assert_non_null(a);
    found_now--;
}

static void numeric_addresses_need_no_resolver(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"::1", "::1"},
        {"[::1]", "::1"},
        {"0.0.0.0", "0.0.0.0"},
        {"2001:DB8::7", "2001:db8::7"},
        {"fe80::1%lo", "fe80::1%lo"},
        {"fe80::1%1", "fe80::1%lo"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_addr a, same;
        char text[TSP_ADDR_TEXT];
        assert_int_equal(tsp_addr_resolve(&a, rows[i].text, AF_UNSPEC, NULL), 0);
        assert_string_equal(tsp_addr_host_text(text, &a), rows[i].want);
        assert_true(tsp_addr_parse(&same, rows[i].text) && tsp_addr_same_host(&a, &same));
        assert_int_equal(tsp_addr_port(&a), 0);
        assert_int_equal(a.len, strchr(rows[i].want, ':') ? sizeof a.v6 : sizeof a.v4);
    }
}

static void what_looks_like_an_address_but_is_none_never_reaches_the_resolver(void **state)
{
    static const struct {
        const char *text;
        int family;
        const char *want;
    } rows[] = {
        {"10.0.0.256", AF_UNSPEC, "cannot resolve '10.0.0.256': neither an address nor a name"},
        {"1", AF_UNSPEC, "cannot resolve '1': neither an address nor a name"},
        {"", AF_UNSPEC, "cannot resolve '': neither an address nor a name"},
        {"127.0.0.1:80", AF_UNSPEC, "cannot resolve '127.0.0.1:80': neither an address nor a name"},
        {"http://x/", AF_UNSPEC, "cannot resolve 'http://x/': neither an address nor a name"},
        {"fe80::1%nosuchif", AF_UNSPEC,
         "cannot resolve 'fe80::1%nosuchif': neither an address nor a name"},
        {"::1", AF_INET, "cannot resolve '::1': not an IPv4 address"},
        {"127.0.0.1", AF_INET6, "cannot resolve '127.0.0.1': not an IPv6 address"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_addr a;
        struct tsp_err err = {0};
        int rc = tsp_addr_resolve(&a, rows[i].text, rows[i].family, &err);
        assert_true(rc < 0 && err.code == -rc);
        assert_string_equal(err.msg, rows[i].want);
        if (rows[i].family == AF_UNSPEC)
            assert_false(tsp_addr_parse(&a, rows[i].text));
    }
}

static int resolve_name(struct tsp_addr *a, int family, int answer, struct tsp_err *err)
{
    expect_string(__wrap_getaddrinfo, host, "example.test");
    expect_value(__wrap_getaddrinfo, family, family);
    will_return(__wrap_getaddrinfo, answer);
    return tsp_addr_resolve(a, "example.test", family, err);
}

static void names_go_to_the_resolver(void **state)
{
    struct tsp_addr a;
    char text[TSP_ADDR_TEXT];
    (void)state;
    assert_int_equal(resolve_name(&a, AF_INET, 0, NULL), 0);
    assert_string_equal(tsp_addr_host_text(text, &a), "192.0.2.7");
    assert_int_equal(found_now, 0);
    assert_int_equal(resolve_name(&a, AF_UNSPEC, 0, NULL), 0);
    assert_int_equal(found_now, 0);
}

static void a_name_that_does_not_resolve_is_named(void **state)
{
    struct tsp_addr a = {.len = 77};
    struct tsp_err err;
    (void)state;
    assert_int_equal(resolve_name(&a, AF_UNSPEC, EAI_NONAME, &err), -ENOENT);
    assert_string_equal(err.msg, "cannot resolve 'example.test': Name or service not known");
    assert_int_equal(resolve_name(&a, AF_UNSPEC, EAI_AGAIN, &err), -EAGAIN);
    assert_int_equal(resolve_name(&a, AF_UNSPEC, EAI_MEMORY, &err), -ENOMEM);
    errno = EMFILE;
    assert_int_equal(resolve_name(&a, AF_UNSPEC, EAI_SYSTEM, &err), -EMFILE);
    assert_string_equal(err.msg, "cannot resolve 'example.test': Too many open files");
    assert_int_equal(a.len, 77);
    assert_int_equal(found_now, 0);
}

static void a_very_long_name_leaves_room_for_the_reason(void **state)
{
    struct tsp_addr a;
    struct tsp_err err;
    char name[3001], wrong[3001];
    (void)state;
    memset(name, 'x', sizeof name - 1);
    memset(wrong, '/', sizeof wrong - 1);
    name[sizeof name - 1] = wrong[sizeof wrong - 1] = '\0';
    expect_string(__wrap_getaddrinfo, host, name);
    expect_value(__wrap_getaddrinfo, family, AF_UNSPEC);
    will_return(__wrap_getaddrinfo, EAI_NONAME);
    assert_int_equal(tsp_addr_resolve(&a, name, AF_UNSPEC, &err), -ENOENT);
    assert_non_null(strstr(err.msg, "x...x"));
    assert_non_null(strstr(err.msg, "x': Name or service not known"));
    assert_int_equal(tsp_addr_resolve(&a, wrong, AF_UNSPEC, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "/': neither an address nor a name"));
    struct tsp_addrs list = {0};
    assert_int_equal(tsp_addrs_parse(&list, name, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "CIDR \"10.0.0.0/24\" expected"));
    tsp_addrs_clear(&list);
}

static const struct list_row {
    const char *text;
    size_t count; /* 0: refused */
    const char *first, *last;
} list_rows[] = {
    {"10.0.0.1", 1, "10.0.0.1", "10.0.0.1"},
    {"::1", 1, "::1", "::1"},
    {"10.0.0.1-10.0.0.9", 9, "10.0.0.1", "10.0.0.9"},
    {"10.0.0.1-9", 9, "10.0.0.1", "10.0.0.9"},
    {"10.0.0.7-10.0.0.7", 1, "10.0.0.7", "10.0.0.7"},
    {"10.0.0.250-10.0.1.5", 12, "10.0.0.250", "10.0.1.5"},
    {"10.0.255.255-10.1.0.0", 2, "10.0.255.255", "10.1.0.0"},
    {"2001:db8::ffff-2001:db8::1:1", 3, "2001:db8::ffff", "2001:db8::1:1"},
    {"10.0.0.0/24", 254, "10.0.0.1", "10.0.0.254"},
    {"10.0.0.77/24", 254, "10.0.0.1", "10.0.0.254"},
    {"10.0.0.0/30", 2, "10.0.0.1", "10.0.0.2"},
    {"10.0.0.0/31", 2, "10.0.0.0", "10.0.0.1"},
    {"10.0.0.5/32", 1, "10.0.0.5", "10.0.0.5"},
    {"10.79.0.0/16", 65534, "10.79.0.1", "10.79.255.254"},
    {"2001:db8::/126", 4, "2001:db8::", "2001:db8::3"},
    {"2001:db8::/112", 65536, "2001:db8::", "2001:db8::ffff"},
    {"[2001:db8::9]/128", 1, "2001:db8::9", "2001:db8::9"},
    {"255.255.255.254-255.255.255.255", 2, "255.255.255.254", "255.255.255.255"},
    {"", 0, "'': address, range", NULL},
    {"example.test", 0, "'example.test': address, range", NULL},
    {"10.0.0.9-10.0.0.1", 0, "'10.0.0.9-10.0.0.1': the lower address goes first", NULL},
    {"10.0.0.9-1", 0, "'10.0.0.9-1': the lower address goes first", NULL},
    {"10.0.0.1-256", 0, "'10.0.0.1-256': address, range", NULL},
    {"10.0.0.1-", 0, "'10.0.0.1-': address, range", NULL},
    {"-10.0.0.1", 0, "'-10.0.0.1': address, range", NULL},
    {"::1-9", 0, "'::1-9': address, range", NULL},
    {"10.0.0.1-::1", 0, "'10.0.0.1-::1': both ends must be IPv4, or both IPv6", NULL},
    {"10.0.0.0/33", 0, "'10.0.0.0/33': prefix must be 0 .. 32", NULL},
    {"::/129", 0, "'::/129': prefix must be 0 .. 128", NULL},
    {"10.0.0.0/", 0, "'10.0.0.0/': address, range", NULL},
    {"10.0.0.0/24x", 0, "'10.0.0.0/24x': address, range", NULL},
    {"10.0.0.0/-1", 0, "'10.0.0.0/-1': address, range", NULL},
    {"10.0.0.0/15", 0, "'10.0.0.0/15': more than 65536 addresses", NULL},
    {"::/0", 0, "'::/0': more than 65536 addresses", NULL},
    {"0.0.0.0/0", 0, "'0.0.0.0/0': more than 65536 addresses", NULL},
};

static void lists_hold_what_their_text_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof list_rows / sizeof *list_rows; i++) {
        const struct list_row *r = &list_rows[i];
        struct tsp_addrs list = {0};
        struct tsp_err err = {0};
        char text[TSP_ADDR_TEXT];
        int rc = tsp_addrs_parse(&list, r->text, &err);
        if ((rc == 0) != (r->count > 0) || list.count != r->count)
            fail_msg("'%s': %d, %zu addresses; %s", r->text, rc, list.count, err.msg);
        if (rc == 0) {
            assert_string_equal(tsp_addr_host_text(text, &list.item[0]), r->first);
            assert_string_equal(tsp_addr_host_text(text, &list.item[r->count - 1]), r->last);
        } else if (strncmp(err.msg, r->first, strlen(r->first)) != 0) {
            fail_msg("'%s': %s", r->text, err.msg);
        }
        tsp_addrs_clear(&list);
        assert_null(list.item);
    }
}

static void a_failed_part_leaves_the_list_as_it_was(void **state)
{
    struct tsp_addrs list = {0};
    struct tsp_err err;
    (void)state;
    assert_int_equal(tsp_addrs_parse(&list, "10.0.0.1-3", NULL), 0);
    assert_int_equal(tsp_addrs_parse(&list, "::1", NULL), 0);
    assert_int_equal(list.count, 4);
    assert_int_equal(tsp_addrs_parse(&list, "10.0.0.0/8", &err), -E2BIG);
    assert_int_equal(list.count, 4);
    assert_int_equal(tsp_addrs_parse(&list, "10.79.0.0/16", &err), -E2BIG); /* 4 too many */
    assert_int_equal(list.count, 4);
    tsp_addrs_clear(&list);
    grows_left = 2; /* 16, 32 */
    assert_int_equal(tsp_addrs_parse(&list, "10.0.0.1", NULL), 0);
    assert_int_equal(tsp_addrs_parse(&list, "10.0.0.0/24", &err), -ENOMEM);
    assert_string_equal(err.msg, "'10.0.0.0/24': Cannot allocate memory");
    assert_int_equal(list.count, 1);
    grows_left = -1;
    tsp_addrs_clear(&list);
    tsp_addrs_clear(&list);
}

static struct tsp_addr at(const char *text)
{
    struct tsp_addr a;
    assert_int_equal(tsp_addr_resolve(&a, text, AF_UNSPEC, NULL), 0);
    return a;
}

static void loopback_is_what_the_kernel_takes_for_it(void **state)
{
    static const struct {
        const char *text;
        bool loopback;
    } rows[] = {
        {"127.0.0.1", true},
        {"127.255.255.254", true},
        {"126.255.255.255", false},
        {"128.0.0.1", false},
        {"192.0.2.1", false},
        {"::1", true},
        {"::2", false},
        {"2001:db8::1", false},
        {"::ffff:127.0.0.9", true},
        {"::ffff:192.0.2.1", false},
        {"::127.0.0.1", false},
        {"0.0.0.0", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tsp_addr a = at(rows[i].text);
        if (tsp_addr_is_loopback(&a) != rows[i].loopback)
            fail_msg("%s", rows[i].text);
    }
}

static void addresses_are_shown_with_and_without_port(void **state)
{
    struct tsp_addr a = at("192.0.2.1"), b = at("2001:db8::1"), none = {.len = 0};
    char text[TSP_ADDR_TEXT];
    (void)state;
    tsp_addr_set_port(&a, 80);
    tsp_addr_set_port(&b, 65535);
    assert_string_equal(tsp_addr_text(text, &a), "192.0.2.1:80");
    assert_string_equal(tsp_addr_text(text, &b), "[2001:db8::1]:65535");
    assert_string_equal(tsp_addr_host_text(text, &b), "2001:db8::1");
    assert_int_equal(tsp_addr_port(&b), 65535);
    assert_string_equal(tsp_addr_host_text(text, &none), "none");
    b = at("fe80:1111:2222:3333:4444:5555:6666:7777%2147483647");
    tsp_addr_set_port(&b, 65535);
    assert_string_equal(tsp_addr_text(text, &b),
                        "[fe80:1111:2222:3333:4444:5555:6666:7777%2147483647]:65535");
}

static void the_same_host_has_the_same_family_bytes_and_zone(void **state)
{
    struct tsp_addr a = at("192.0.2.1"), b = at("192.0.2.1"), c = at("192.0.2.2");
    struct tsp_addr d = at("fe80::1%1"), e = at("fe80::1%9999"), f = at("::ffff:192.0.2.1");
    (void)state;
    tsp_addr_set_port(&b, 9);
    assert_true(tsp_addr_same_host(&a, &b));
    assert_false(tsp_addr_same_host(&a, &c));
    assert_false(tsp_addr_same_host(&d, &e));
    assert_false(tsp_addr_same_host(&a, &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numeric_addresses_need_no_resolver),
        cmocka_unit_test(what_looks_like_an_address_but_is_none_never_reaches_the_resolver),
        cmocka_unit_test(names_go_to_the_resolver),
        cmocka_unit_test(a_name_that_does_not_resolve_is_named),
        cmocka_unit_test(a_very_long_name_leaves_room_for_the_reason),
        cmocka_unit_test(lists_hold_what_their_text_names),
        cmocka_unit_test(a_failed_part_leaves_the_list_as_it_was),
        cmocka_unit_test(loopback_is_what_the_kernel_takes_for_it),
        cmocka_unit_test(addresses_are_shown_with_and_without_port),
        cmocka_unit_test(the_same_host_has_the_same_family_bytes_and_zone),
    };
    return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
