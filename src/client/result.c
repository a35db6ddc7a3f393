#include "client/result.h"

void tsp_result_clear(struct tsp_result *r)
{
    tsp_tally_clear(&r->tally);
    tsp_timeline_clear(&r->timeline);
    tsp_nat_clear(&r->nat);
    tsp_kcounters_clear(&r->counters);
    *r = (struct tsp_result){0};
}

double tsp_result_achieved(const struct tsp_result *r)
{
    return r->opening > 0 ? (double)r->tally.started / r->opening : 0;
}

double tsp_result_completed(const struct tsp_result *r)
{
    return r->elapsed > 0 ? (double)r->tally.ok / r->elapsed : 0;
}
