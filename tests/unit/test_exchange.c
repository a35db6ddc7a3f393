#include "net/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/cmocka_all.h"

static int allocations_left = -1; /* until one fails; -1 = none does */
static int read_code;             /* errno of the next read; 0 = the real call */
static bool read_fails_for_good;
static size_t read_at_most = SIZE_MAX;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);

static bool must_fail(void)
{
    if (allocations_left == 0)
        return true;
    allocations_left -= allocations_left > 0;
    return false;
}

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    return must_fail() ? NULL : __real_reallocarray(p, n, size);
}

ssize_t __wrap_read(int fd, void *buf, size_t size)
{
    if (read_code == 0)
        return __real_read(fd, buf, size < read_at_most ? size : read_at_most);
    errno = read_code;
    if (!read_fails_for_good)
        read_code = 0;
    return -1;
}

struct fixture {
    char dir[64], file[96];
    int next_fd;
};

static int next_fd(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static int setup(void **state)
{
    static struct fixture f;
    strcpy(f.dir, "/tmp/tspam-exchange-XXXXXX");
    if (!mkdtemp(f.dir))
        return -1;
    snprintf(f.file, sizeof f.file, "%s/content", f.dir);
    f.next_fd = next_fd();
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    const struct fixture *f = *state;
    allocations_left = -1;
    read_code = 0;
    read_fails_for_good = false;
    read_at_most = SIZE_MAX;
    unlink(f->file);
    int leaked = next_fd() - f->next_fd;
    return rmdir(f->dir) == 0 && leaked == 0 ? 0 : -1;
}

static void write_file(const char *name, const void *bytes, size_t len)
{
    FILE *f = fopen(name, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static const struct tsp_data nothing = {NULL, 0};

/* The sentence with the file's own name taken out. */
static void refused(const struct fixture *f, int code, const char *why)
{
    struct tsp_payload p;
    struct tsp_err err;
    char want[256];
    assert_int_equal(tsp_payload_init(&p, &nothing, f->file, &err), -code);
    snprintf(want, sizeof want, "content file '%s': %s", f->file, why);
    assert_string_equal(err.msg, want);
    assert_null(p.bytes);
    assert_int_equal(p.len, 0);
}

static void nothing_asked_is_nothing_sent(void **state)
{
    struct tsp_payload p;
    (void)state;
    assert_int_equal(tsp_payload_init(&p, &nothing, NULL, NULL), 0);
    assert_null(p.bytes);
    assert_int_equal(p.len, 0);
    assert_int_equal(tsp_payload_init(&p, &(struct tsp_data){"", 0}, NULL, NULL), 0);
    assert_null(p.bytes);
    tsp_payload_clear(&p);
}

static void content_is_copied_with_its_zero_bytes(void **state)
{
    char bytes[] = {'a', 0, 'b'};
    struct tsp_payload p;
    (void)state;
    assert_int_equal(tsp_payload_init(&p, &(struct tsp_data){bytes, 3}, NULL, NULL), 0);
    bytes[0] = 'z';
    assert_int_equal(p.len, 3);
    assert_memory_equal(p.bytes, "a\0b", 3);
    tsp_payload_clear(&p);
    assert_null(p.bytes);
    tsp_payload_clear(&p);
}

static void content_and_file_exclude_each_other(void **state)
{
    const struct fixture *f = *state;
    struct tsp_payload p;
    struct tsp_err err;
    assert_int_equal(tsp_payload_init(&p, &(struct tsp_data){"", 0}, f->file, &err), -EINVAL);
    assert_string_equal(err.msg, "content and content_file exclude each other");
    assert_null(p.bytes);
}

static void a_file_is_read_whole(void **state)
{
    const struct fixture *f = *state;
    struct tsp_payload p;
    char *bytes = malloc(300000);
    assert_non_null(bytes);
    for (int i = 0; i < 300000; i++)
        bytes[i] = (char)(i * 7);
    write_file(f->file, bytes, 300000);
    read_at_most = 777; /* short reads */
    read_code = EINTR;
    assert_int_equal(tsp_payload_init(&p, &nothing, f->file, NULL), 0);
    assert_int_equal(p.len, 300000);
    assert_memory_equal(p.bytes, bytes, 300000);
    free(bytes);
    tsp_payload_clear(&p);
}

static void an_empty_file_is_nothing_sent(void **state)
{
    const struct fixture *f = *state;
    struct tsp_payload p;
    write_file(f->file, "", 0);
    assert_int_equal(tsp_payload_init(&p, &nothing, f->file, NULL), 0);
    assert_null(p.bytes);
    assert_int_equal(p.len, 0);
}

/* A file of /proc says it has no bytes, and has. */
static void a_file_that_does_not_tell_its_size_is_read_whole(void **state)
{
    struct tsp_payload p;
    (void)state;
    assert_int_equal(tsp_payload_init(&p, &nothing, "/proc/self/status", NULL), 0);
    assert_true(p.len > 100);
    assert_memory_equal(p.bytes, "Name:", 5);
    tsp_payload_clear(&p);
}

static void a_file_of_64_mib_is_the_largest(void **state)
{
    const struct fixture *f = *state;
    struct tsp_payload p;
    write_file(f->file, "x", 1);
    assert_int_equal(truncate(f->file, TSP_CONTENT_MAX), 0);
    assert_int_equal(tsp_payload_init(&p, &nothing, f->file, NULL), 0);
    assert_int_equal(p.len, TSP_CONTENT_MAX);
    tsp_payload_clear(&p);
    assert_int_equal(truncate(f->file, TSP_CONTENT_MAX + 1), 0);
    refused(f, EFBIG, "larger than 64 MiB");
}

static void an_endless_file_ends_at_the_limit(void **state)
{
    struct tsp_payload p;
    struct tsp_err err;
    (void)state;
    assert_int_equal(tsp_payload_init(&p, &nothing, "/dev/zero", &err), -EFBIG);
    assert_string_equal(err.msg, "content file '/dev/zero': larger than 64 MiB");
    assert_null(p.bytes);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    const struct fixture *f = *state;
    refused(f, ENOENT, "No such file or directory");
    assert_int_equal(mkdir(f->file, 0700), 0);
    refused(f, EISDIR, "Is a directory");
    assert_int_equal(rmdir(f->file), 0);
    write_file(f->file, "x", 1);
    read_code = EIO;
    refused(f, EIO, "Input/output error");
    read_at_most = 1;
    read_code = EIO;
    read_fails_for_good = true;
    refused(f, EIO, "Input/output error");
}

static void assert_sha256(const char *bytes, size_t len, const char *want)
{
    char text[TSP_SHA256_TEXT];
    struct tsp_payload p;
    assert_int_equal(tsp_payload_init(&p, &(struct tsp_data){bytes, len}, NULL, NULL), 0);
    assert_ptr_equal(tsp_payload_sha256(&p, text), text);
    assert_string_equal(text, want);
    tsp_payload_clear(&p);
}

/* What sha256sum says. */
static void content_is_known_by_its_sha256(void **state)
{
    (void)state;
    assert_sha256("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_sha256("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_sha256("a\0b", 3, "59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138");
}

static void without_memory_nothing_is_left(void **state)
{
    const struct fixture *f = *state;
    struct tsp_payload p;
    struct tsp_err err;
    write_file(f->file, "xyz", 3);
    allocations_left = 0;
    assert_int_equal(tsp_payload_init(&p, &(struct tsp_data){"abc", 3}, NULL, &err), -ENOMEM);
    assert_null(p.bytes);
    refused(f, ENOMEM, "Cannot allocate memory");
    allocations_left = 1; /* the first room, but no larger one */
    assert_int_equal(tsp_payload_init(&p, &nothing, "/dev/zero", &err), -ENOMEM);
    assert_null(p.bytes);
    assert_int_equal(p.len, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_asked_is_nothing_sent),
        TEST(content_is_copied_with_its_zero_bytes),
        TEST(content_and_file_exclude_each_other),
        TEST(a_file_is_read_whole),
        TEST(an_empty_file_is_nothing_sent),
        TEST(a_file_that_does_not_tell_its_size_is_read_whole),
        TEST(a_file_of_64_mib_is_the_largest),
        TEST(an_endless_file_ends_at_the_limit),
        TEST(a_file_that_cannot_be_read_is_named),
        TEST(content_is_known_by_its_sha256),
        TEST(without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
