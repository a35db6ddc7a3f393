#include "base/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/place.h"

/* As many as the kernel follows. */
#define LINKS_MAX 40

/* Files of other tspams with our process number: left by one that was killed. */
#define NAMES_MAX 100

/* Where the bytes are to go. */
struct target {
    const char *path;    /* as given */
    char real[TSP_PATH]; /* the file itself, behind symbolic links */
    struct stat st;
    bool exists, is_stdout;
    bool replaced; /* false: written to as it stands */
};

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_stdout(const struct stat *st)
{
    struct stat out;
    return fstat(STDOUT_FILENO, &out) == 0 && same_file(st, &out);
}

/* Replaces the last part of path by where it leads. false = too long. */
static bool step_to(char path[TSP_PATH], const char *to)
{
    const char *slash = strrchr(path, '/');
    size_t folder = to[0] != '/' && slash ? (size_t)(slash - path) + 1 : 0;
    return snprintf(path + folder, TSP_PATH - folder, "%s", to) < (int)(TSP_PATH - folder);
}

/* The file behind symbolic links, which need not exist: realpath() would want it to.
 * false = it has no path. */
static bool follow(struct target *t)
{
    char to[TSP_PATH];
    if (snprintf(t->real, sizeof t->real, "%s", t->path) >= TSP_PATH)
        return false;
    for (int i = 0; i < LINKS_MAX; i++) {
        ssize_t n = readlink(t->real, to, sizeof to - 1);
        if (n == -1)
            return true;
        to[n] = '\0';
        if (!step_to(t->real, to))
            return false;
    }
    return false;
}

/* /proc/self/fd/3 leads to a name that may be another file's by now. */
static bool leads_there(const struct target *t)
{
    struct stat st;
    return !t->exists || (stat(t->real, &st) == 0 && same_file(&st, &t->st));
}

static int close_written(int fd, int rc)
{
    if (close(fd) == -1 && !rc)
        rc = -errno;
    return rc;
}

/* May we write to it at all? The file beside it would not ask. */
static int may_write(const struct target *t)
{
    if (!t->exists || t->is_stdout)
        return 0;
    if (S_ISFIFO(t->st.st_mode)) /* its reader may not be there yet */
        return access(t->path, W_OK) == -1 ? -errno : 0;
    int fd = open(t->path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd == -1 ? -errno : close_written(fd, 0);
}

/* 0 where it may be written. */
static int look(struct target *t, const char *path)
{
    *t = (struct target){.path = path};
    t->exists = stat(path, &t->st) == 0;
    if (!t->exists && (errno != ENOENT || !path[0]))
        return -errno;
    t->is_stdout = t->exists && is_stdout(&t->st);
    bool regular = !t->exists || S_ISREG(t->st.st_mode);
    t->replaced = regular && !t->is_stdout && follow(t) && leads_there(t);
    return may_write(t);
}

/* ---- writing ---- */

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n == -1 && errno != EINTR)
            return -errno;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static int write_as_it_stands(const struct target *t, const char *bytes, size_t len)
{
    if (t->is_stdout) /* what was written there before stays */
        return write_all(STDOUT_FILENO, bytes, len);
    int fd;
    do {
        fd = open(t->path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0666);
    } while (fd == -1 && errno == EINTR);
    if (fd == -1)
        return -errno;
    return close_written(fd, write_all(fd, bytes, len));
}

/* Opens a new file beside the real one; its name goes to temp. -> descriptor, or -errno */
static int open_beside(const struct target *t, char temp[TSP_PATH])
{
    const char *slash = strrchr(t->real, '/');
    int folder = slash ? (int)(slash - t->real) + 1 : 0;
    for (int i = 0; i < NAMES_MAX; i++) {
        int n = snprintf(temp, TSP_PATH, "%.*s.tspam-%ld-%d", folder, t->real, (long)getpid(), i);
        if (n >= TSP_PATH)
            return -ENAMETOOLONG;
        int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd != -1 || errno != EEXIST)
            return fd != -1 ? fd : -errno;
    }
    return -EEXIST;
}

static void keep_owner_and_mode(int fd, const struct target *t)
{
    if (!t->exists)
        return;
    (void)!fchown(fd, t->st.st_uid, t->st.st_gid);
    (void)fchmod(fd, t->st.st_mode & 0777);
}

/* To the disk: what a full one refuses may only show here. */
static int sync_written(int fd)
{
    bool unable = fsync(fd) == -1 && errno != EINVAL && errno != ENOSYS;
    return unable ? -errno : 0;
}

/* *in_place: it cannot be replaced, only written to as it stands. Nothing was changed. */
static int replace(const struct target *t, const char *bytes, size_t len, bool *in_place)
{
    char temp[TSP_PATH];
    int fd = open_beside(t, temp);
    *in_place = t->exists && (fd == -EACCES || fd == -EPERM);
    if (fd < 0)
        return fd;
    keep_owner_and_mode(fd, t);
    int rc = write_all(fd, bytes, len);
    if (!rc)
        rc = sync_written(fd);
    rc = close_written(fd, rc);
    if (!rc && rename(temp, t->real) == -1) {
        rc = -errno;
        *in_place = t->exists;
    }
    if (rc)
        unlink(temp);
    return rc;
}

static int save(const char *path, const char *bytes, size_t len)
{
    struct target t;
    bool in_place = true;
    int rc = look(&t, path);
    if (rc)
        return rc;
    if (t.replaced)
        rc = replace(&t, bytes, len, &in_place);
    return in_place ? write_as_it_stands(&t, bytes, len) : rc;
}

static int check(const char *path)
{
    struct target t;
    char temp[TSP_PATH];
    int rc = look(&t, path);
    if (rc || t.exists || !t.replaced)
        return rc;
    int fd = open_beside(&t, temp);
    if (fd < 0)
        return fd;
    unlink(temp);
    return close_written(fd, 0);
}

static int told(struct tsp_err *err, const char *path, int rc)
{
    char name[TSP_NAME_TEXT];
    return rc ? tsp_fail(err, -rc, "cannot write to %s", tsp_shorten(name, path)) : 0;
}

int tsp_save(const char *path, const void *bytes, size_t len, struct tsp_err *err)
{
    return told(err, path, save(path, bytes, len));
}

int tsp_save_check(const char *path, struct tsp_err *err)
{
    return told(err, path, check(path));
}
