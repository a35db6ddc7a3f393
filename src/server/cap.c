#include "server/cap.h"

void tsp_cap_add(struct tsp_cap *c, struct tsp_cap_thread *t, struct tsp_waker *wake)
{
    t->wake = wake;
    atomic_store(&t->idlest_ns, TSP_CAP_NONE);
    t->next = c->first;
    c->first = t;
}

bool tsp_cap_enter(struct tsp_cap *c)
{
    return atomic_fetch_add(&c->open, 1) >= c->max;
}

/* Those held look at the count after they have said so (tsp_cap_hold), and this looks for
 * them after it has changed the count: one of the two sees the other. */
static void wake_held(struct tsp_cap *c)
{
    for (struct tsp_cap_thread *t = c->first; t; t = t->next) {
        if (atomic_load(&t->held) && atomic_exchange(&t->held, false))
            tsp_waker_call(t->wake);
    }
}

void tsp_cap_leave(struct tsp_cap *c)
{
    if (atomic_fetch_sub(&c->open, 1) == c->max + 1)
        wake_held(c);
}

bool tsp_cap_full(struct tsp_cap *c)
{
    return atomic_load(&c->open) >= c->max;
}

bool tsp_cap_over(struct tsp_cap *c)
{
    return atomic_load(&c->open) > c->max;
}

bool tsp_cap_choose(struct tsp_cap *c, struct tsp_cap_thread *t, int ask)
{
    struct tsp_cap_thread *who = NULL;
    int64_t oldest = TSP_CAP_NONE;
    for (struct tsp_cap_thread *i = c->first; i; i = i->next) {
        int64_t idlest = atomic_load(&i->idlest_ns);
        if (idlest < oldest) {
            oldest = idlest;
            who = i;
        }
    }
    if (who && who != t) {
        atomic_fetch_add(&who->asked, ask);
        tsp_waker_call(who->wake);
    }
    return who == t;
}

int tsp_cap_asked(struct tsp_cap_thread *t)
{
    return atomic_exchange(&t->asked, 0);
}

bool tsp_cap_claim(struct tsp_cap *c)
{
    int64_t open = atomic_load(&c->open);
    while (open > c->max) {
        if (!atomic_compare_exchange_weak(&c->open, &open, open - 1))
            continue;
        if (open == c->max + 1)
            wake_held(c);
        return true;
    }
    return false;
}

bool tsp_cap_hold(struct tsp_cap *c, struct tsp_cap_thread *t)
{
    if (!tsp_cap_over(c))
        return false;
    atomic_store(&t->held, true);
    if (tsp_cap_over(c))
        return true;
    atomic_store(&t->held, false);
    return false;
}
