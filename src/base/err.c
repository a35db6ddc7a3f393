#include "base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static size_t fill(struct tsp_err *err, int code,
                                                         const char *fmt, va_list ap)
{
    err->code = code;
    int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    if (n < 0)
        n = 0; /* an encoding error: no sentence, the code still stands */
    size_t len = (size_t)n < sizeof err->msg ? (size_t)n : sizeof err->msg - 1;
    err->msg[len] = '\0';
    return len;
}

int tsp_fail(struct tsp_err *err, int code, const char *fmt, ...)
{
    if (!err)
        return -code;
    va_list ap;
    va_start(ap, fmt);
    size_t len = fill(err, code, fmt, ap);
    va_end(ap);
    char buf[128];
    snprintf(err->msg + len, sizeof err->msg - len, "%s%s", len ? ": " : "",
             strerror_r(code, buf, sizeof buf));
    return -code;
}

int tsp_refuse(struct tsp_err *err, int code, const char *fmt, ...)
{
    if (!err)
        return -code;
    va_list ap;
    va_start(ap, fmt);
    fill(err, code, fmt, ap);
    va_end(ap);
    return -code;
}

/* A byte of UTF-8 that does not begin a character. */
static bool continues_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

char *tsp_shorten(char buf[TSP_NAME_TEXT], const char *text)
{
    size_t len = strlen(text), half = (TSP_NAME_TEXT - 4) / 2;
    if (len < TSP_NAME_TEXT) {
        memcpy(buf, text, len + 1);
        return buf;
    }
    size_t end = len - half;
    while (continues_character(text[end]))
        end++;
    size_t begin = half;
    while (begin > 0 && continues_character(text[begin]))
        begin--;
    snprintf(buf, TSP_NAME_TEXT, "%.*s...%s", (int)begin, text, text + end);
    return buf;
}

/* strerrorname_np came with glibc 2.32. */
static const char *known_name(int code)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
    return strerrorname_np(code);
#else
    (void)code;
    return NULL;
#endif
}

const char *tsp_errno_name(int code)
{
    static _Thread_local char buf[32];
    const char *name = code ? known_name(code) : NULL; /* glibc calls 0 "0" */
    if (name)
        return name;
    snprintf(buf, sizeof buf, "errno %d", code);
    return buf;
}
