/* err.h - how a function that can fail says why.
 *
 * A fallible function returns 0, or a negative errno value. If the caller
 * passed a struct tsp_err it also gets one sentence for a person. The struct
 * lives on the caller's stack; nothing is allocated.
 */
#ifndef TSP_BASE_ERR_H
#define TSP_BASE_ERR_H

struct tsp_err {
    int code;      /* positive errno value, 0 = none */
    char msg[256]; /* "listen on 127.0.0.1:7000: Address already in use" */
};

/* Fills err (NULL is allowed) with "fmt: strerror(code)"; returns -code. */
int tsp_fail(struct tsp_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same without ": strerror(code)", for what errno has no good words for. */
int tsp_refuse(struct tsp_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define TSP_NAME_TEXT 96

/* text fit for a message: what is longer than TSP_NAME_TEXT - 1 bytes keeps its
 * beginning and its end, "..." between, so that what follows it stays in msg.
 * Returns buf. */
char *tsp_shorten(char buf[TSP_NAME_TEXT], const char *text);

/* "EPROTO" for EPROTO; "errno 4711" for one without a name, in a buffer of
 * this thread that the next call overwrites. */
const char *tsp_errno_name(int code);

#endif
