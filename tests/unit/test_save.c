/* A file that is written whole or not at all. */
#include "base/save.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/cmocka_all.h"

static char root[] = "/tmp/tspam-save-XXXXXX";

/* Which call fails from now on, with this errno. */
static int write_code, rename_code, fsync_code, open_new_code;

ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, mode_t mode);

/* Half of it is written, then the disk is full: the usual way. */
ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    if (!write_code)
        return __real_write(fd, bytes, len);
    if (len > 4)
        return __real_write(fd, bytes, len / 2);
    errno = write_code;
    return -1;
}

int __wrap_rename(const char *from, const char *to)
{
    errno = rename_code;
    return rename_code ? -1 : __real_rename(from, to);
}

int __wrap_fsync(int fd)
{
    errno = fsync_code;
    return fsync_code ? -1 : __real_fsync(fd);
}

int __wrap_open(const char *path, int flags, mode_t mode)
{
    if (open_new_code && (flags & O_EXCL)) {
        errno = open_new_code;
        return -1;
    }
    return __real_open(path, flags, mode);
}

static const char *in_root(const char *name)
{
    static char path[4][320]; /* a root and any name */
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", root, name);
    return path[turn];
}

static int setup(void **state)
{
    (void)state;
    write_code = rename_code = fsync_code = open_new_code = 0;
    strcpy(root + strlen(root) - 6, "XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    DIR *dir = opendir(root);
    for (struct dirent *e; dir && (e = readdir(dir));)
        (void)remove(in_root(e->d_name));
    if (dir)
        closedir(dir);
    return rmdir(root);
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(in_root(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void assert_holds(const char *name, const char *text)
{
    char got[64] = "";
    FILE *file = fopen(in_root(name), "r");
    assert_non_null(file);
    (void)!fread(got, 1, sizeof got - 1, file);
    fclose(file);
    assert_string_equal(got, text);
}

static int files(void)
{
    int n = 0;
    DIR *dir = opendir(root);
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2; /* . and .. */
}

static int save(const char *name, const char *text)
{
    struct tsp_err err = {0};
    return tsp_save(in_root(name), text, strlen(text), &err);
}

static void a_new_file_has_the_mode_of_any_created_file(void **state)
{
    (void)state;
    struct stat st;
    mode_t mask = umask(027);
    assert_int_equal(save("new", "all of it"), 0);
    umask(mask);
    assert_holds("new", "all of it");
    assert_int_equal(files(), 1);
    assert_int_equal(stat(in_root("new"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
}

static void a_file_that_is_replaced_keeps_its_mode(void **state)
{
    (void)state;
    struct stat st;
    put("old", "a longer text than the new one");
    assert_int_equal(chmod(in_root("old"), 0604), 0);
    assert_int_equal(save("old", "new"), 0);
    assert_holds("old", "new");
    assert_int_equal(stat(in_root("old"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0604);
}

static void who_reads_meanwhile_has_the_old_file_whole(void **state)
{
    (void)state;
    char got[16] = "";
    put("old", "old text");
    int fd = open(in_root("old"), O_RDONLY);
    assert_int_equal(save("old", "new"), 0);
    assert_int_equal(read(fd, got, sizeof got - 1), 8);
    close(fd);
    assert_string_equal(got, "old text");
}

/* Whatever goes wrong: the sentence names it, the old file is as it was, nothing is left. */
static void assert_untouched(int code)
{
    struct tsp_err err = {0};
    char want[256];
    const char *path = in_root("old");
    assert_int_equal(tsp_save(path, "new content", 11, &err), -code);
    snprintf(want, sizeof want, "cannot write to %s: %s", path, strerror(code));
    assert_string_equal(err.msg, want);
    write_code = fsync_code = open_new_code = 0;
    assert_holds("old", "old");
    assert_int_equal(files(), 1);
}

static void a_full_disk_leaves_the_old_file_and_no_other(void **state)
{
    (void)state;
    put("old", "old");
    write_code = ENOSPC;
    assert_untouched(ENOSPC);
    fsync_code = EDQUOT;
    assert_untouched(EDQUOT);
    open_new_code = ENOSPC;
    assert_untouched(ENOSPC);
}

static void a_disk_that_cannot_sync_is_no_failure(void **state)
{
    (void)state;
    fsync_code = EINVAL;
    assert_int_equal(save("new", "text"), 0);
    assert_holds("new", "text");
}

static void a_symbolic_link_stays_and_its_file_is_replaced(void **state)
{
    (void)state;
    struct stat st;
    put("file", "old");
    assert_int_equal(symlink("file", in_root("second")), 0);
    assert_int_equal(symlink(in_root("second"), in_root("first")), 0);
    assert_int_equal(save("first", "new"), 0);
    assert_holds("file", "new");
    assert_int_equal(lstat(in_root("first"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(files(), 3);
}

static void a_link_to_nothing_makes_the_file(void **state)
{
    (void)state;
    assert_int_equal(symlink("later", in_root("link")), 0);
    assert_int_equal(tsp_save_check(in_root("link"), NULL), 0);
    assert_int_equal(files(), 1);
    assert_int_equal(save("link", "text"), 0);
    assert_holds("later", "text");
}

static void links_in_a_circle_are_an_error(void **state)
{
    (void)state;
    assert_int_equal(symlink("b", in_root("a")), 0);
    assert_int_equal(symlink("a", in_root("b")), 0);
    assert_int_equal(save("a", "text"), -ELOOP);
    assert_int_equal(tsp_save_check(in_root("a"), NULL), -ELOOP);
}

static void where_no_file_can_be_made_beside_it_it_is_written_as_it_stands(void **state)
{
    (void)state;
    put("old", "a longer text");
    open_new_code = EACCES;
    assert_int_equal(tsp_save_check(in_root("old"), NULL), 0);
    assert_int_equal(save("old", "new"), 0);
    assert_holds("old", "new");
    assert_int_equal(save("none", "new"), -EACCES);
    assert_int_equal(tsp_save_check(in_root("none"), NULL), -EACCES);
    assert_int_equal(files(), 1);
}

/* A file that is mounted into a container. */
static void a_file_that_cannot_be_renamed_over_is_written_as_it_stands(void **state)
{
    (void)state;
    put("old", "a longer text");
    rename_code = EBUSY;
    assert_int_equal(save("old", "new"), 0);
    assert_holds("old", "new");
    assert_int_equal(files(), 1);
}

static void a_pipe_is_written_to_and_not_replaced(void **state)
{
    (void)state;
    char got[16] = "";
    struct stat st;
    assert_int_equal(mkfifo(in_root("pipe"), 0600), 0);
    assert_int_equal(tsp_save_check(in_root("pipe"), NULL), 0); /* without waiting for a reader */
    int fd = open(in_root("pipe"), O_RDONLY | O_NONBLOCK);
    assert_int_equal(save("pipe", "text"), 0);
    assert_int_equal(read(fd, got, sizeof got), 4);
    close(fd);
    assert_int_equal(stat(in_root("pipe"), &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(files(), 1);
}

static void a_device_is_written_to_and_says_why_not(void **state)
{
    (void)state;
    struct tsp_err err = {0};
    assert_int_equal(tsp_save("/dev/null", "text", 4, &err), 0);
    assert_int_equal(tsp_save_check("/dev/full", &err), 0);
    assert_int_equal(tsp_save("/dev/full", "text", 4, &err), -ENOSPC);
    assert_string_equal(err.msg, "cannot write to /dev/full: No space left on device");
}

static void stdout_by_a_path_goes_on_where_it_is(void **state)
{
    (void)state;
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    put("out", "");
    int fd = open(in_root("out"), O_WRONLY);
    assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    (void)!write(STDOUT_FILENO, "text ", 5);
    int checked = tsp_save_check("/dev/stdout", NULL),
        rc = tsp_save("/dev/stdout", "json", 4, NULL);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    close(fd);
    assert_int_equal(checked, 0);
    assert_int_equal(rc, 0);
    assert_holds("out", "text json");
    assert_int_equal(files(), 1);
}

static void a_look_changes_nothing_and_says_what_is_wrong(void **state)
{
    (void)state;
    struct tsp_err err = {0};
    put("old", "old");
    assert_int_equal(tsp_save_check(in_root("old"), &err), 0);
    assert_int_equal(tsp_save_check(in_root("new"), &err), 0);
    assert_int_equal(files(), 1);
    assert_holds("old", "old");
    assert_int_equal(tsp_save_check(root, &err), -EISDIR);
    assert_int_equal(tsp_save_check(in_root("none/x"), &err), -ENOENT);
    assert_int_equal(tsp_save_check("", &err), -ENOENT);
    assert_string_equal(err.msg, "cannot write to : No such file or directory");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_new_file_has_the_mode_of_any_created_file),
        CASE(a_file_that_is_replaced_keeps_its_mode),
        CASE(who_reads_meanwhile_has_the_old_file_whole),
        CASE(a_full_disk_leaves_the_old_file_and_no_other),
        CASE(a_disk_that_cannot_sync_is_no_failure),
        CASE(a_symbolic_link_stays_and_its_file_is_replaced),
        CASE(a_link_to_nothing_makes_the_file),
        CASE(links_in_a_circle_are_an_error),
        CASE(where_no_file_can_be_made_beside_it_it_is_written_as_it_stands),
        CASE(a_file_that_cannot_be_renamed_over_is_written_as_it_stands),
        CASE(a_pipe_is_written_to_and_not_replaced),
        CASE(a_device_is_written_to_and_says_why_not),
        CASE(stdout_by_a_path_goes_on_where_it_is),
        CASE(a_look_changes_nothing_and_says_what_is_wrong),
    };
    return cmocka_run_group_tests_name("save", tests, NULL, NULL);
}
