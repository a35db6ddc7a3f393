#include "net/loop.h"

#include "base/clock.h"

void tsp_loop_timer_at(struct ev_loop *loop, ev_timer *timer, int64_t when_ns)
{
    double after = (double)(when_ns - tsp_now_ns()) / 1e9;
    ev_now_update(loop);
    ev_timer_stop(loop, timer);
    ev_timer_set(timer, after > 0 ? after : 0, 0);
    ev_timer_start(loop, timer);
}
