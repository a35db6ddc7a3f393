#include "net/loop.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

/* Bytes libev 4.33 may ask for. A full array grows to twice its size, and the reserve, which
 * only appends, also keeps the smaller ones before it: four times what is in use.
 * Of each descriptor: a pending event, and one that epoll reports. Loops share descriptors:
 * the most that each of them ever had adds up to no more than twice as many. */
#define PER_DESCRIPTOR (2 * 4 * (16 + sizeof(struct epoll_event)))
/* Of each descriptor in every loop: libev's table by number, and the list of changes. */
#define PER_DESCRIPTOR_AND_LOOP (4 * (16 + sizeof(int)))
/* Of each loop: itself, timers, and what is rounded up to pages at each growth. */
#define PER_LOOP ((size_t)256 << 10)

#define FIRST_COVERED 1024 /* descriptors, the usual soft limit */

struct block {
    alignas(max_align_t) size_t size;
};

/* A piece of the reserve: blocks one behind the other, until all have been released. */
struct segment {
    alignas(max_align_t) struct segment *next;
    size_t size, used;
    unsigned blocks;
};

static struct {
    atomic_flag busy;     /* a lock, held for a moment a few times in a run */
    struct segment *list; /* the first is unused, and large enough, after each reserve() */
    unsigned loops;
    _Atomic int covered; /* descriptors below this are admitted */
} state = {.busy = ATOMIC_FLAG_INIT, .covered = FIRST_COVERED};

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&state.busy, memory_order_acquire))
        sched_yield();
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&state.busy, memory_order_release);
}

static void unmap_unused(struct segment **at)
{
    while (*at) {
        struct segment *s = *at;
        if (s->blocks) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        (void)munmap(s, s->size);
    }
}

/* Under the lock: true once an unused segment is there for so many. */
static bool reserve(unsigned loops, int descriptors)
{
    size_t each = PER_DESCRIPTOR + loops * PER_DESCRIPTOR_AND_LOOP;
    size_t size = sizeof(struct segment) + (size_t)descriptors * each + loops * PER_LOOP;
    struct segment *first = state.list;
    if (first && !first->blocks && first->size >= size)
        return true;
    struct segment *s =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED)
        return false;
    *s = (struct segment){.next = first, .size = size, .used = sizeof *s};
    state.list = s;
    unmap_unused(&s->next);
    return true;
}

/* Under the lock; NULL = it came from malloc. */
static struct segment *segment_of(const void *p)
{
    struct segment *s = state.list;
    while (s && !((const char *)p > (const char *)s && (const char *)p < (const char *)s + s->size))
        s = s->next;
    return s;
}

static void release(void *p)
{
    lock();
    struct segment *s = segment_of(p);
    if (s && --s->blocks == 0)
        s->used = sizeof *s;
    unlock();
    if (!s)
        free(p);
}

static struct block *append(size_t size)
{
    size_t need = sizeof(struct block) +
                  (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    lock();
    struct segment *s = state.list;
    while (s && s->size - s->used < need)
        s = s->next;
    struct block *b = NULL;
    if (s) {
        b = (struct block *)(void *)((char *)s + s->used);
        s->used += need;
        s->blocks++;
    }
    unlock();
    return b;
}

static size_t size_of(void *p, bool reserved)
{
    return reserved ? ((struct block *)p - 1)->size : malloc_usable_size(p);
}

/* What libev calls for all its memory; a NULL here is the end of the process. */
static void *reallocate(void *old, long size)
{
    if (size == 0) {
        release(old);
        return NULL;
    }
    lock();
    bool reserved = segment_of(old);
    unlock();
    void *p = reserved ? NULL : realloc(old, (size_t)size);
    if (p)
        return p;
    struct block *b = append((size_t)size);
    if (!b)
        return NULL;
    b->size = (size_t)size;
    if (old) {
        size_t had = size_of(old, reserved);
        memcpy(b + 1, old, had < (size_t)size ? had : (size_t)size);
        release(old);
    }
    return b + 1;
}

static void forget_loop(void)
{
    lock();
    if (--state.loops == 0)
        unmap_unused(&state.list);
    unlock();
}

int tsp_loop_new(struct ev_loop **loop, const char *who, struct tsp_err *err)
{
    *loop = NULL;
    lock();
    if (state.loops == 0)
        ev_set_allocator(reallocate);
    bool reserved = reserve(state.loops + 1, atomic_load(&state.covered));
    if (reserved)
        state.loops++;
    unlock();
    if (!reserved)
        return tsp_fail(err, ENOMEM, "event loop of %s", who);
    errno = ENOMEM; /* what libev leaves there when it is not a system call */
    *loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (*loop)
        return 0;
    int rc = tsp_fail(err, errno, "event loop of %s: epoll", who);
    forget_loop();
    return rc;
}

void tsp_loop_free(struct ev_loop *loop)
{
    if (!loop)
        return;
    ev_loop_destroy(loop);
    forget_loop();
}

bool tsp_loop_admits(int fd)
{
    if (fd < atomic_load_explicit(&state.covered, memory_order_relaxed))
        return true;
    lock();
    int64_t want = atomic_load(&state.covered);
    while (want <= fd)
        want *= 2;
    if (want > INT32_MAX)
        want = INT32_MAX;
    bool enough = state.loops == 0 || reserve(state.loops, (int)want);
    if (enough)
        atomic_store(&state.covered, (int)want);
    unlock();
    return enough;
}

int tsp_loop_admit_own(int fd, const char *kind, struct tsp_err *err)
{
    if (fd == -1)
        return tsp_fail(err, errno, "%s", kind);
    if (tsp_loop_admits(fd))
        return 0;
    close(fd);
    return tsp_fail(err, ENOMEM, "%s", kind);
}

void tsp_loop_timer_at(struct ev_loop *loop, ev_timer *timer, int64_t when_ns)
{
    double after = (double)(when_ns - tsp_now_ns()) / 1e9;
    ev_now_update(loop);
    ev_timer_stop(loop, timer);
    ev_timer_set(timer, after > 0 ? after : 0, 0);
    ev_timer_start(loop, timer);
}
