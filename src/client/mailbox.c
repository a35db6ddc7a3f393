#include "client/mailbox.h"

int tsp_mailbox_init(struct tsp_mailbox *m)
{
    *m = (struct tsp_mailbox){0};
    int rc = tsp_slice_init(&m->pending);
    if (rc)
        return rc;
    rc = -pthread_mutex_init(&m->lock, NULL);
    if (rc)
        tsp_slice_clear(&m->pending);
    return rc;
}

void tsp_mailbox_clear(struct tsp_mailbox *m)
{
    pthread_mutex_destroy(&m->lock);
    tsp_slice_clear(&m->pending);
}

/* open is a level, not a count: the latest stands, however often it was told. */
static void empty(struct tsp_slice *slice, uint64_t open)
{
    tsp_slice_reset(slice);
    slice->open = open;
}

void tsp_mailbox_post(struct tsp_mailbox *m, struct tsp_slice *slice)
{
    pthread_mutex_lock(&m->lock);
    tsp_slice_add(&m->pending, slice);
    m->pending.open = slice->open;
    pthread_mutex_unlock(&m->lock);
    empty(slice, slice->open);
}

void tsp_mailbox_collect(struct tsp_mailbox *m, struct tsp_slice *into)
{
    pthread_mutex_lock(&m->lock);
    tsp_slice_add(into, &m->pending);
    empty(&m->pending, m->pending.open);
    pthread_mutex_unlock(&m->lock);
}
