#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/netlink.h"
#include "net/sock.h"

/* Longest text of one numeric address that is looked at. */
#define NUMERIC_MAX 80

static uint8_t *host_bytes(struct tsp_addr *a)
{
    return a->sa.sa_family == AF_INET ? (uint8_t *)&a->v4.sin_addr : a->v6.sin6_addr.s6_addr;
}

static const uint8_t *host_bytes_const(const struct tsp_addr *a)
{
    return a->sa.sa_family == AF_INET ? (const uint8_t *)&a->v4.sin_addr : a->v6.sin6_addr.s6_addr;
}

static size_t host_size(const struct tsp_addr *a)
{
    return a->sa.sa_family == AF_INET ? sizeof a->v4.sin_addr : sizeof a->v6.sin6_addr;
}

/* The zone of "fe80::1%eth0": an interface's name or number; 0 = there is none such. */
static uint32_t zone_number(const char *zone)
{
    unsigned index = if_nametoindex(zone);
    if (index == 0 && *zone && strspn(zone, "0123456789") == strlen(zone))
        index = (unsigned)strtoul(zone, NULL, 10);
    return index;
}

/* One numeric address, brackets already off. Not inet_aton's short forms: "1"
 * would be 0.0.0.1, which nobody means. */
static bool parse_numeric(struct tsp_addr *out, const char *text)
{
    memset(out, 0, sizeof *out);
    out->len = sizeof out->v4;
    out->v4.sin_family = AF_INET;
    if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1)
        return true;
    memset(out, 0, sizeof *out);
    out->len = sizeof out->v6;
    out->v6.sin6_family = AF_INET6;
    char host[NUMERIC_MAX];
    size_t len = strcspn(text, "%");
    if (len >= sizeof host)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) != 1)
        return false;
    if (text[len] == '%')
        out->v6.sin6_scope_id = zone_number(text + len + 1);
    return text[len] == '\0' || out->v6.sin6_scope_id != 0;
}

/* The same for the first len bytes of text, which may stand in brackets. */
static bool parse_part(struct tsp_addr *out, const char *text, size_t len)
{
    char part[NUMERIC_MAX];
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= sizeof part)
        return false;
    memcpy(part, text, len);
    part[len] = '\0';
    return parse_numeric(out, part);
}

static int resolver_errno(int code)
{
    if (code == EAI_SYSTEM)
        return errno ? errno : EIO;
    if (code == EAI_MEMORY)
        return ENOMEM;
    return code == EAI_AGAIN ? EAGAIN : ENOENT;
}

static int ask_resolver(struct tsp_addr *out, const char *host, int family, struct tsp_err *err)
{
    const struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char name[TSP_NAME_TEXT];
    int code = getaddrinfo(host, NULL, &hints, &found);
    if (code) {
        int number = resolver_errno(code);
        const char *why = code == EAI_SYSTEM ? strerror(number) : gai_strerror(code);
        return tsp_refuse(err, number, "cannot resolve '%s': %s", tsp_shorten(name, host), why);
    }
    int rc = 0;
    if (found && found->ai_addrlen <= sizeof out->v6) {
        memset(out, 0, sizeof *out);
        memcpy(&out->sa, found->ai_addr, found->ai_addrlen);
        out->len = found->ai_addrlen;
    } else {
        rc = tsp_refuse(err, ENOENT, "cannot resolve '%s': no usable address",
                        tsp_shorten(name, host));
    }
    freeaddrinfo(found);
    return rc;
}

int tsp_addr_resolve(struct tsp_addr *out, const char *host, int family, struct tsp_err *err)
{
    struct tsp_addr a;
    char name[TSP_NAME_TEXT];
    if (parse_part(&a, host, strlen(host))) {
        if (family != AF_UNSPEC && a.sa.sa_family != family)
            return tsp_refuse(err, EAFNOSUPPORT, "cannot resolve '%s': not an IPv%d address",
                              tsp_shorten(name, host), family == AF_INET ? 4 : 6);
        *out = a;
        return 0;
    }
    if (strspn(host, "0123456789.") == strlen(host) || strpbrk(host, ":/[]"))
        return tsp_refuse(err, EINVAL, "cannot resolve '%s': neither an address nor a name",
                          tsp_shorten(name, host));
    int rc = ask_resolver(&a, host, family, err);
    if (rc == 0)
        *out = a;
    return rc;
}

bool tsp_addr_parse(struct tsp_addr *out, const char *text)
{
    return parse_part(out, text, strlen(text));
}

static int append(struct tsp_addrs *list, const struct tsp_addr *a)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        struct tsp_addr *item = reallocarray(list->item, room, sizeof *item);
        if (!item)
            return -ENOMEM;
        list->item = item;
        list->room = room;
    }
    list->item[list->count++] = *a;
    return 0;
}

/* The next (step 1) or previous (step -1) address. */
static void move(struct tsp_addr *a, int step)
{
    uint8_t *bytes = host_bytes(a), wraps_at = step > 0 ? 0xff : 0;
    size_t i = host_size(a) - 1;
    while (i > 0 && bytes[i] == wraps_at)
        bytes[i--] = (uint8_t)~wraps_at;
    bytes[i] = (uint8_t)(bytes[i] + step);
}

/* first .. last, both included; the list is as before when it fails. */
static int append_range(struct tsp_addrs *list, const char *text, const struct tsp_addr *first,
                        const struct tsp_addr *last, struct tsp_err *err)
{
    size_t before = list->count;
    struct tsp_addr a = *first;
    for (;;) {
        if (list->count == TSP_ADDRS_MAX) {
            list->count = before;
            return tsp_refuse(err, E2BIG, "'%s': more than %d addresses", text, TSP_ADDRS_MAX);
        }
        int rc = append(list, &a);
        if (rc) {
            list->count = before;
            return tsp_fail(err, -rc, "'%s'", text);
        }
        if (memcmp(host_bytes(&a), host_bytes_const(last), host_size(&a)) == 0)
            return 0;
        move(&a, 1);
    }
}

/* "1-9" of "10.0.0.1-9": the last number of an IPv4 address. */
static bool parse_last_number(struct tsp_addr *last, const struct tsp_addr *first, const char *text)
{
    size_t len = strlen(text);
    if (first->sa.sa_family != AF_INET || len == 0 || len > 3 || strspn(text, "0123456789") != len)
        return false;
    unsigned long number = strtoul(text, NULL, 10);
    if (number > 255)
        return false;
    *last = *first;
    host_bytes(last)[3] = (uint8_t)number;
    return true;
}

static int unreadable(const char *text, struct tsp_err *err)
{
    char name[TSP_NAME_TEXT];
    return tsp_refuse(err, EINVAL,
                      "'%s': address, range \"10.0.0.1-10.0.0.9\" or CIDR \"10.0.0.0/24\" expected",
                      tsp_shorten(name, text));
}

/* dash: not that of an interface name: a range's ends have no '-' of their own. */
static int parse_range(struct tsp_addrs *list, const char *text, const char *dash,
                       struct tsp_err *err)
{
    struct tsp_addr first, last;
    if (!parse_part(&first, text, (size_t)(dash - text)))
        return unreadable(text, err);
    if (!parse_last_number(&last, &first, dash + 1) &&
        !parse_part(&last, dash + 1, strlen(dash + 1)))
        return unreadable(text, err);
    if (first.sa.sa_family != last.sa.sa_family)
        return tsp_refuse(err, EINVAL, "'%s': both ends must be IPv4, or both IPv6", text);
    if (memcmp(host_bytes(&first), host_bytes(&last), host_size(&first)) > 0)
        return tsp_refuse(err, EINVAL, "'%s': the lower address goes first", text);
    return append_range(list, text, &first, &last, err);
}

/* Sets all bits after the first prefix ones to 0 or 1. */
static void fill_host_part(struct tsp_addr *a, size_t prefix, bool ones)
{
    uint8_t *bytes = host_bytes(a);
    for (size_t bit = prefix; bit < host_size(a) * 8; bit++) {
        uint8_t mask = (uint8_t)(0x80u >> bit % 8);
        bytes[bit / 8] = (uint8_t)(ones ? bytes[bit / 8] | mask : bytes[bit / 8] & ~mask);
    }
}

static int parse_cidr(struct tsp_addrs *list, const char *text, const char *slash,
                      struct tsp_err *err)
{
    struct tsp_addr first, last;
    size_t digits = strspn(slash + 1, "0123456789");
    if (digits == 0 || digits > 3 || slash[1 + digits] != '\0' ||
        !parse_part(&first, text, (size_t)(slash - text)))
        return unreadable(text, err);
    size_t prefix = strtoul(slash + 1, NULL, 10), bits = host_size(&first) * 8;
    if (prefix > bits)
        return tsp_refuse(err, EINVAL, "'%s': prefix must be 0 .. %zu", text, bits);
    last = first;
    fill_host_part(&first, prefix, false);
    fill_host_part(&last, prefix, true);
    if (first.sa.sa_family == AF_INET && prefix < 31) { /* network and broadcast address */
        move(&first, 1);
        move(&last, -1);
    }
    return append_range(list, text, &first, &last, err);
}

int tsp_addrs_parse(struct tsp_addrs *list, const char *text, struct tsp_err *err)
{
    struct tsp_addr one;
    if (parse_part(&one, text, strlen(text)))
        return append_range(list, text, &one, &one, err);
    const char *slash = strchr(text, '/'), *dash = strchr(text, '-');
    if (slash)
        return parse_cidr(list, text, slash, err);
    return dash ? parse_range(list, text, dash, err) : unreadable(text, err);
}

void tsp_addrs_clear(struct tsp_addrs *list)
{
    free(list->item);
    *list = (struct tsp_addrs){0};
}

/* Without a port (IP_BIND_ADDRESS_NO_PORT): the question is the address, and right after
 * a walk every port of it may be in TIME_WAIT. */
static int try_bind(const struct tsp_addr *a)
{
    int fd;
    int rc = tsp_sock_open(&fd, a->sa.sa_family);
    if (rc)
        return rc;
    struct tsp_addr any_port = *a;
    tsp_addr_set_port(&any_port, 0);
    rc = tsp_sock_bind_source(fd, &any_port);
    close(fd);
    return rc;
}

int tsp_addr_check_local(const struct tsp_addr *a, struct tsp_err *err)
{
    char text[TSP_ADDR_TEXT];
    int rc = try_bind(a);
    if (rc == 0)
        return 0;
    tsp_addr_host_text(text, a);
    if (rc != -EADDRNOTAVAIL)
        return tsp_fail(err, -rc, "bind to local address %s", text);
    return tsp_refuse(err, EADDRNOTAVAIL,
                      "this machine does not have the address %s (to add it: ip address add "
                      "%s/%zu dev lo)",
                      text, text, host_size(a) * 8);
}

bool tsp_addr_is_unspecified(const struct tsp_addr *a)
{
    if (a->sa.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == INADDR_ANY;
    const struct in6_addr *v6 = &a->v6.sin6_addr;
    return IN6_IS_ADDR_UNSPECIFIED(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && !v6->s6_addr32[3]);
}

/* Not by bind: with ip_nonlocal_bind=1 (usual beside keepalived or HAProxy) that takes
 * any address, and without it a broadcast address too. */
bool tsp_addr_is_local(const struct tsp_addr *a)
{
    if (tsp_addr_is_unspecified(a)) /* connect takes it for loopback */
        return true;
    int type = tsp_netlink_route_type(a);
    return type >= 0 ? type == RTN_LOCAL : tsp_addr_is_loopback(a);
}

bool tsp_addr_is_loopback(const struct tsp_addr *a)
{
    if (a->sa.sa_family == AF_INET)
        return ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    const struct in6_addr *v6 = &a->v6.sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(v6) ||
           (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
}

void tsp_addr_set_port(struct tsp_addr *a, uint16_t port)
{
    if (a->sa.sa_family == AF_INET)
        a->v4.sin_port = htons(port);
    else
        a->v6.sin6_port = htons(port);
}

uint16_t tsp_addr_port(const struct tsp_addr *a)
{
    return ntohs(a->sa.sa_family == AF_INET ? a->v4.sin_port : a->v6.sin6_port);
}

bool tsp_addr_same_host(const struct tsp_addr *a, const struct tsp_addr *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    if (a->sa.sa_family == AF_INET6 && a->v6.sin6_scope_id != b->v6.sin6_scope_id)
        return false;
    return memcmp(host_bytes_const(a), host_bytes_const(b), host_size(a)) == 0;
}

char *tsp_addr_host_text(char buf[TSP_ADDR_TEXT], const struct tsp_addr *a)
{
    if (a->len == 0 || !inet_ntop(a->sa.sa_family, host_bytes_const(a), buf, TSP_ADDR_TEXT)) {
        snprintf(buf, TSP_ADDR_TEXT, "none");
        return buf;
    }
    if (a->sa.sa_family == AF_INET6 && a->v6.sin6_scope_id != 0) {
        char zone[IF_NAMESIZE];
        if (!if_indextoname(a->v6.sin6_scope_id, zone))
            snprintf(zone, sizeof zone, "%u", a->v6.sin6_scope_id);
        size_t len = strlen(buf);
        snprintf(buf + len, TSP_ADDR_TEXT - len, "%%%s", zone);
    }
    return buf;
}

char *tsp_addr_text(char buf[TSP_ADDR_TEXT], const struct tsp_addr *a)
{
    char host[TSP_ADDR_TEXT];
    tsp_addr_host_text(host, a);
    bool brackets = a->len != 0 && a->sa.sa_family == AF_INET6;
    unsigned port = a->len != 0 ? tsp_addr_port(a) : 0;
    int n = snprintf(buf, TSP_ADDR_TEXT, brackets ? "[%s]:%u" : "%s:%u", host, port);
    (void)n; /* 63 bytes at most: 39 + "%" + 15 + "[]:65535" */
    return buf;
}
