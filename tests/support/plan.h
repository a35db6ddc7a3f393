/* plan.h - a spec with its defaults, and the plan made of it; for tests of plans. */
#ifndef TSP_SUPPORT_PLAN_H
#define TSP_SUPPORT_PLAN_H

#include "client/plan.h"
#include "support/cmocka_all.h"

static inline struct tsp_run_spec spec_at(double rate)
{
    struct tsp_run_spec spec = {0};
    for (const struct tsp_field *f = tsp_run_fields; f->name; f++)
        tsp_field_store_preset(f, &spec);
    spec.rate = rate;
    return spec;
}

static inline void make(struct tsp_plan *p, struct tsp_run_spec *spec)
{
    struct tsp_err err = {0};
    if (tsp_run_spec_check(spec, &err) || tsp_plan_make(p, spec, &err))
        fail_msg("plan: %s", err.msg);
}

#endif
