/* exchange.h - what is said: the bytes one side sends, and how it closes. */
#ifndef TSP_NET_EXCHANGE_H
#define TSP_NET_EXCHANGE_H

#include <stddef.h>

#include "base/err.h"
#include "base/field.h"

#define TSP_CONTENT_MAX (64u << 20) /* bytes of a content file */

enum tsp_close_style {
    TSP_CLOSE_HALF, /* half-close after the request, close after the answer's end */
    TSP_CLOSE_RESET /* half-close, then RST as soon as the answer has come */
};
#define TSP_CLOSE_CHOICES "half|reset"

/* Bytes to send, read once and shared by all connections, read-only. */
struct tsp_payload {
    char *bytes; /* owned; NULL when len is 0 */
    size_t len;
};

/* Copies content, or reads the file when one is named (both: refused). A file
 * that is missing, a directory or over 64 MiB is an error that names it. */
int tsp_payload_init(struct tsp_payload *p, const struct tsp_data *content, const char *file,
                     struct tsp_err *err);

#define TSP_SHA256_TEXT 65

/* SHA-256 of the bytes in hexadecimal. Takes its time: some 0.3 s for 64 MiB. Needs no memory,
 * and does not fail. Returns text. */
char *tsp_payload_sha256(const struct tsp_payload *p, char text[TSP_SHA256_TEXT]);

void tsp_payload_clear(struct tsp_payload *p); /* all-zero is allowed */

#endif
