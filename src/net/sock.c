#include "net/sock.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"

/* Since Linux 4.2; older headers lack it. */
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static int set_flag(int fd, int level, int option)
{
    return setsockopt(fd, level, option, &(int){1}, sizeof(int)) == -1 ? -errno : 0;
}

int tsp_sock_open(int *fd, int family)
{
    *fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd == -1)
        return -errno;
    int rc = tsp_loop_admits(*fd) ? set_flag(*fd, SOL_SOCKET, SO_REUSEADDR) : -ENOMEM;
    if (rc) {
        close(*fd);
        *fd = -1;
    }
    return rc;
}

int tsp_sock_bind_source(int fd, const struct tsp_addr *from)
{
    /* Both families take IP_BIND_ADDRESS_NO_PORT at level IPPROTO_IP. */
    int rc = tsp_addr_port(from) ? 0 : set_flag(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    if (rc)
        return rc;
    return bind(fd, &from->sa, from->len) == -1 ? -errno : 0;
}

int tsp_sock_connect(int fd, const struct tsp_addr *to)
{
    while (connect(fd, &to->sa, to->len) == -1) {
        /* Asked again after an interruption: under way, or done meanwhile. */
        if (errno == EINPROGRESS || errno == EALREADY || errno == EISCONN)
            return 0;
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

static int listen_options(int fd, int family, bool defer, struct tsp_err *err)
{
    int rc = set_flag(fd, SOL_SOCKET, SO_REUSEPORT);
    if (rc)
        return tsp_fail(err, -rc, "SO_REUSEPORT");
    if (family == AF_INET6) {
        rc = set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY);
        if (rc)
            return tsp_fail(err, -rc, "IPV6_V6ONLY");
    }
    rc = defer ? set_flag(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT) : 0;
    return rc ? tsp_fail(err, -rc, "TCP_DEFER_ACCEPT") : 0;
}

int tsp_sock_listen(int *fd, const struct tsp_addr *at, int backlog, bool defer,
                    struct tsp_err *err)
{
    char where[TSP_ADDR_TEXT];
    int s;
    int rc = tsp_sock_open(&s, at->sa.sa_family);
    *fd = -1;
    if (rc)
        return tsp_fail(err, -rc, "listen on %s: socket", tsp_addr_text(where, at));
    rc = listen_options(s, at->sa.sa_family, defer, err);
    if (rc)
        goto fail;
    if (bind(s, &at->sa, at->len) == -1 || listen(s, backlog) == -1) {
        rc = tsp_fail(err, errno, "listen on %s", tsp_addr_text(where, at));
        goto fail;
    }
    *fd = s;
    return 0;

fail:
    close(s);
    return rc;
}

int tsp_sock_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ? errno : error;
}

int tsp_sock_local(int fd, struct tsp_addr *out)
{
    out->len = sizeof out->v6;
    return getsockname(fd, &out->sa, &out->len) == -1 ? -errno : 0;
}

int tsp_sock_peer(int fd, struct tsp_addr *out)
{
    out->len = sizeof out->v6;
    return getpeername(fd, &out->sa, &out->len) == -1 ? -errno : 0;
}

int tsp_sock_route(const struct tsp_addr *target, struct tsp_addr *out, struct tsp_err *err)
{
    char to[TSP_ADDR_TEXT];
    int rc = 0;
    int fd = socket(target->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return tsp_fail(err, errno, "route to %s: socket", tsp_addr_host_text(to, target));
    if (connect(fd, &target->sa, target->len) == -1)
        rc = -errno;
    else
        rc = tsp_sock_local(fd, out);
    close(fd);
    if (rc)
        return tsp_fail(err, -rc, "route to %s", tsp_addr_host_text(to, target));
    tsp_addr_set_port(out, 0);
    return 0;
}

bool tsp_sock_retransmitted(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_total_retrans > 0;
}

void tsp_sock_reset_on_close(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}
