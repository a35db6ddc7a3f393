#include "net/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* First guess for what does not tell its size: pipes, files of /proc. */
#define FIRST_ROOM 65536

static int too_large(const char *file, struct tsp_err *err)
{
    return tsp_refuse(err, EFBIG, "content file '%s': larger than %u MiB", file,
                      TSP_CONTENT_MAX >> 20);
}

static int make_room(struct tsp_payload *p, size_t *room)
{
    if (p->len < *room)
        return 0;
    char *bytes = reallocarray(p->bytes, 2, *room);
    if (!bytes)
        return -ENOMEM;
    p->bytes = bytes;
    *room *= 2;
    return 0;
}

/* Reads to the end, whatever fstat said: a file may grow meanwhile. */
static int read_all(struct tsp_payload *p, int fd, size_t room, const char *file,
                    struct tsp_err *err)
{
    p->bytes = malloc(room);
    if (!p->bytes)
        return tsp_fail(err, ENOMEM, "content file '%s'", file);
    for (;;) {
        if (make_room(p, &room))
            return tsp_fail(err, ENOMEM, "content file '%s'", file);
        ssize_t n = read(fd, p->bytes + p->len, room - p->len);
        if (n == 0)
            return 0;
        if (n == -1 && errno != EINTR)
            return tsp_fail(err, errno, "content file '%s'", file);
        if (n > 0)
            p->len += (size_t)n;
        if (p->len > TSP_CONTENT_MAX)
            return too_large(file, err);
    }
}

static int read_open_file(struct tsp_payload *p, int fd, const char *file, struct tsp_err *err)
{
    struct stat st;
    if (fstat(fd, &st) == -1)
        return tsp_fail(err, errno, "content file '%s'", file);
    if (S_ISDIR(st.st_mode))
        return tsp_fail(err, EISDIR, "content file '%s'", file);
    if (st.st_size > (off_t)TSP_CONTENT_MAX)
        return too_large(file, err);
    /* One byte more than the size: the read that sees the end needs room. */
    size_t room = st.st_size > 0 ? (size_t)st.st_size + 1 : FIRST_ROOM;
    return read_all(p, fd, room, file, err);
}

static int read_file(struct tsp_payload *p, const char *file, struct tsp_err *err)
{
    char name[TSP_NAME_TEXT];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return tsp_fail(err, errno, "content file '%s'", tsp_shorten(name, file));
    int rc = read_open_file(p, fd, tsp_shorten(name, file), err);
    close(fd);
    if (rc || p->len == 0)
        tsp_payload_clear(p);
    return rc;
}

int tsp_payload_init(struct tsp_payload *p, const struct tsp_data *content, const char *file,
                     struct tsp_err *err)
{
    *p = (struct tsp_payload){0};
    if (file && content->bytes)
        return tsp_refuse(err, EINVAL, "content and content_file exclude each other");
    if (file)
        return read_file(p, file, err);
    if (!content->bytes || content->len == 0)
        return 0;
    p->bytes = malloc(content->len);
    if (!p->bytes)
        return tsp_fail(err, ENOMEM, "content of %zu bytes", content->len);
    memcpy(p->bytes, content->bytes, content->len);
    p->len = content->len;
    return 0;
}

char *tsp_payload_sha256(const struct tsp_payload *p, char text[TSP_SHA256_TEXT])
{
    const char *bytes = p->len ? p->bytes : "";
    return SHA256Data((const uint8_t *)bytes, p->len, text);
}

void tsp_payload_clear(struct tsp_payload *p)
{
    free(p->bytes);
    *p = (struct tsp_payload){0};
}
