/* libev's loops when the machine has no memory, or no epoll. realloc is what libev gets
 * its memory by, mmap what the reserve is made of; epoll_create1 is libev's own call.
 */
#include "net/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/cmocka_all.h"

#define FIRST_COVERED 1024

static bool no_memory, no_mapping, no_epoll;
static int refused; /* calls of realloc */

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int epoll_create1(int flags);

void *__wrap_realloc(void *p, size_t size)
{
    if (!no_memory)
        return __real_realloc(p, size);
    refused++;
    return NULL;
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (!no_mapping)
        return __real_mmap(at, size, protection, flags, fd, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

int epoll_create1(int flags)
{
    errno = EMFILE;
    return no_epoll ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

static int teardown(void **state)
{
    (void)state;
    no_memory = no_mapping = no_epoll = false;
    refused = 0;
    return 0;
}

static struct ev_loop *new_loop(void)
{
    struct ev_loop *loop;
    struct tsp_err err = {0};
    if (tsp_loop_new(&loop, "a test", &err))
        fail_msg("%s", err.msg);
    return loop;
}

static int heard;

static void on_event(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)revents;
    heard++;
    ev_io_stop(loop, io);
}

/* Each is ready at once: what one wake-up has to hold is as much as there can be. */
static void watch_and_hear(struct ev_loop *loop, int first, int n)
{
    ev_io *io = calloc((size_t)n, sizeof *io);
    int event = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    heard = 0;
    for (int i = 0; i < n; i++) {
        int fd = fcntl(event, F_DUPFD_CLOEXEC, first + i);
        assert_true(fd != -1 && tsp_loop_admits(fd));
        ev_io_init(&io[i], on_event, fd, EV_READ);
        ev_io_start(loop, &io[i]);
    }
    ev_run(loop, 0);
    assert_int_equal(heard, n);
    for (int i = 0; i < n; i++)
        close(io[i].fd);
    close(event);
    free(io);
}

static void a_loop_grows_where_there_is_no_memory_left(void **state)
{
    (void)state;
    struct ev_loop *idle = new_loop();
    for (int round = 0; round < 3; round++) {
        struct ev_loop *loop = new_loop();
        no_memory = no_mapping = true;
        watch_and_hear(loop, 10, 60);
        watch_and_hear(loop, 100, 900);
        assert_true(refused > 5);
        tsp_loop_free(loop);
        no_memory = no_mapping = false;
    }
    tsp_loop_free(idle);
}

static void every_loop_made_before_memory_ran_out_grows(void **state)
{
    (void)state;
    struct ev_loop *loop[8];
    for (int i = 0; i < 8; i++)
        loop[i] = new_loop();
    no_memory = no_mapping = true;
    for (int i = 0; i < 8; i++)
        watch_and_hear(loop[i], 100 + 110 * i, 110);
    for (int i = 0; i < 8; i++)
        tsp_loop_free(loop[i]);
}

static void without_a_reserve_no_loop_is_made(void **state)
{
    (void)state;
    struct ev_loop *loop;
    struct tsp_err err = {0};
    no_mapping = true;
    assert_int_equal(tsp_loop_new(&loop, "a test", &err), -ENOMEM);
    assert_null(loop);
    assert_string_equal(err.msg, "event loop of a test: Cannot allocate memory");
}

/* And with one again it is; the memory of before is still there for what it holds. */
static void a_descriptor_past_the_reserve_is_not_admitted(void **state)
{
    (void)state;
    struct ev_loop *loop = new_loop();
    no_mapping = true;
    assert_true(tsp_loop_admits(FIRST_COVERED - 1));
    assert_false(tsp_loop_admits(FIRST_COVERED));
    no_memory = true;
    watch_and_hear(loop, 100, 900);
    no_mapping = false;
    assert_true(tsp_loop_admits(FIRST_COVERED));
    no_mapping = true;
    assert_true(tsp_loop_admits(2 * FIRST_COVERED - 1));
    assert_false(tsp_loop_admits(2 * FIRST_COVERED));
    watch_and_hear(loop, FIRST_COVERED, FIRST_COVERED);
    tsp_loop_free(loop);
}

static void without_epoll_there_is_a_sentence_and_no_other_backend(void **state)
{
    (void)state;
    struct ev_loop *loop;
    struct tsp_err err = {0};
    no_epoll = true;
    assert_int_equal(tsp_loop_new(&loop, "a test", &err), -EMFILE);
    assert_null(loop);
    assert_string_equal(err.msg, "event loop of a test: epoll: Too many open files");
    no_epoll = false;
    loop = new_loop();
    assert_int_equal(ev_backend(loop), EVBACKEND_EPOLL);
    tsp_loop_free(loop);
}

int main(void)
{
    struct rlimit files;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_loop_grows_where_there_is_no_memory_left),
        TEST(every_loop_made_before_memory_ran_out_grows),
        TEST(without_a_reserve_no_loop_is_made),
        TEST(a_descriptor_past_the_reserve_is_not_admitted),
        TEST(without_epoll_there_is_a_sentence_and_no_other_backend),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
