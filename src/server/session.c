#include "server/session.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "net/sock.h"

/* Reads of one session per wake-up: a flood may not starve the others. */
#define READ_BUDGET 4

enum { READING, SENDING, ENDED };

static enum tsp_step step_of(const struct tsp_session *c)
{
    return c->state == SENDING ? TSP_STEP_SEND : TSP_STEP_REPLY;
}

void tsp_session_count_failure(const struct tsp_session *c, enum tsp_outcome outcome,
                               struct tsp_server_stats *count)
{
    count->failed++;
    count->failure[outcome][step_of(c)]++;
}

static int fail_errno(struct tsp_session *c, int error)
{
    tsp_session_count_failure(c, tsp_outcome_of(error, step_of(c)), &tsp_session_set(c)->count);
    return ENDED;
}

static int answered(struct tsp_session *c)
{
    tsp_session_set(c)->count.answered++;
    return ENDED;
}

/* A state returns the next one; returning itself means: wait for *want. */
static int reading(struct tsp_session *c, int *want)
{
    struct tsp_sessions *s = tsp_session_set(c);
    *want = EV_READ;
    for (int i = 0; i < READ_BUDGET; i++) {
        ssize_t n = recv(c->io.fd, s->bite, sizeof s->bite, MSG_TRUNC);
        if (n == 0)
            return SENDING;
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return errno == EAGAIN ? READING : fail_errno(c, errno);
        c->received += n;
        s->count.bytes_received += (uint64_t)n;
        if (c->received > s->answer->max_request) {
            tsp_sock_reset_on_close(c->io.fd);
            return fail_errno(c, EMSGSIZE);
        }
    }
    return READING;
}

/* The rest of the answer: the peer's address, when asked for, and the content. */
static size_t fill(const struct tsp_session *c, struct iovec part[2], char line[TSP_ADDR_TEXT + 1])
{
    const struct tsp_answer *a = tsp_session_set(c)->answer;
    size_t sent = c->sent, head = 0;
    if (a->report_peer) {
        head = strlen(tsp_addr_text(line, &c->peer));
        line[head++] = '\n';
    }
    size_t skip = sent < head ? sent : head;
    part[0] = (struct iovec){line + skip, head - skip};
    sent -= skip;
    part[1] = (struct iovec){(char *)a->bytes + sent, a->len - sent};
    return part[0].iov_len + part[1].iov_len;
}

static int sending(struct tsp_session *c, int *want)
{
    char line[TSP_ADDR_TEXT + 1];
    struct iovec part[2];
    size_t rest = fill(c, part, line);
    *want = EV_WRITE;
    if (rest == 0) {
        /* Nothing will be sent that could fail: ask whether the client has reset. */
        int error = tsp_sock_error(c->io.fd);
        return error ? fail_errno(c, error) : answered(c);
    }
    struct msghdr message = {.msg_iov = part, .msg_iovlen = 2};
    /* What MSG_MORE holds back leaves with the FIN of the close that follows. */
    int flags = MSG_NOSIGNAL | (tsp_session_set(c)->answer->coalesce_fin ? MSG_MORE : 0);
    ssize_t n = sendmsg(c->io.fd, &message, flags);
    if (n == -1)
        return errno == EAGAIN || errno == EINTR ? SENDING : fail_errno(c, errno);
    c->sent += (size_t)n;
    tsp_session_set(c)->count.bytes_sent += (uint64_t)n;
    return (size_t)n == rest ? answered(c) : SENDING;
}

static int (*const steps[])(struct tsp_session *, int *) = {reading, sending};

int tsp_session_advance(struct tsp_session *c)
{
    int want = 0, before;
    do {
        before = c->state;
        c->state = steps[before](c, &want);
        if (c->state == ENDED)
            return 0;
    } while (c->state != before);
    return want;
}
