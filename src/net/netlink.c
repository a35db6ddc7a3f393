#include "net/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

/* An answer has some 150 bytes: a route, its attributes, those of its metrics. */
#define ANSWER_ROOM 4096

struct question {
    struct nlmsghdr head;
    struct rtmsg route;
    char attributes[RTA_SPACE(sizeof(struct in6_addr)) + RTA_SPACE(sizeof(uint32_t))];
};

static void add(struct question *q, unsigned short type, const void *value, size_t size)
{
    struct rtattr *a = (struct rtattr *)((char *)q + q->head.nlmsg_len);
    a->rta_type = type;
    a->rta_len = (unsigned short)RTA_LENGTH(size);
    memcpy(RTA_DATA(a), value, size);
    q->head.nlmsg_len += (uint32_t)RTA_SPACE(size);
}

static struct question question_about(const struct tsp_addr *to)
{
    struct question q = {
        .head = {.nlmsg_len = NLMSG_LENGTH(sizeof q.route),
                 .nlmsg_type = RTM_GETROUTE,
                 .nlmsg_flags = NLM_F_REQUEST},
        .route = {.rtm_family = (unsigned char)to->sa.sa_family},
    };
    const struct in6_addr *v6 = &to->v6.sin6_addr;
    if (to->sa.sa_family == AF_INET) {
        q.route.rtm_dst_len = 32;
        add(&q, RTA_DST, &to->v4.sin_addr, sizeof to->v4.sin_addr);
    } else if (IN6_IS_ADDR_V4MAPPED(v6)) { /* IPv4 carries it */
        q.route.rtm_family = AF_INET;
        q.route.rtm_dst_len = 32;
        add(&q, RTA_DST, &v6->s6_addr[12], sizeof to->v4.sin_addr);
    } else {
        q.route.rtm_dst_len = 128;
        add(&q, RTA_DST, v6, sizeof *v6);
        if (to->v6.sin6_scope_id)
            add(&q, RTA_OIF, &to->v6.sin6_scope_id, sizeof to->v6.sin6_scope_id);
    }
    return q;
}

static int type_in(const struct nlmsghdr *answer, size_t size)
{
    if (!NLMSG_OK(answer, size))
        return -EBADMSG;
    if (answer->nlmsg_type == NLMSG_ERROR &&
        answer->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
        int code = ((const struct nlmsgerr *)NLMSG_DATA(answer))->error;
        return code < 0 ? code : -EBADMSG;
    }
    if (answer->nlmsg_type != RTM_NEWROUTE ||
        answer->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg)))
        return -EBADMSG;
    return ((const struct rtmsg *)NLMSG_DATA(answer))->rtm_type;
}

int tsp_netlink_route_type(const struct tsp_addr *to)
{
    union {
        struct nlmsghdr head;
        char room[ANSWER_ROOM];
    } answer;
    struct question q = question_about(to);
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd == -1)
        return -errno;
    /* The kernel answers within send: without an answer there is nothing to wait for. */
    ssize_t got = send(fd, &q, q.head.nlmsg_len, 0);
    if (got != -1)
        got = recv(fd, &answer, sizeof answer, MSG_DONTWAIT);
    int rc = got == -1 ? -errno : type_in(&answer.head, (size_t)got);
    close(fd);
    return rc;
}
