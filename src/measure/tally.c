#include "measure/tally.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    enum tsp_mark from, to;
} phases[TSP_PHASES] = {
#define X(id, name, from, to) {name, TSP_MARK_##from, TSP_MARK_##to},
#include "measure/phases.def"
#undef X
};

const char *tsp_phase_name(enum tsp_phase p)
{
    return phases[p].name;
}

int tsp_tally_init(struct tsp_tally *t)
{
    *t = (struct tsp_tally){0};
    t->beat = tsp_hist_new();
    bool made = t->beat;
    for (int p = 0; p < TSP_PHASES; p++) {
        t->phase[p] = tsp_hist_new();
        made = made && t->phase[p];
    }
    if (made)
        return 0;
    tsp_tally_clear(t);
    return -ENOMEM;
}

void tsp_tally_clear(struct tsp_tally *t)
{
    for (int p = 0; p < TSP_PHASES; p++)
        tsp_hist_free(t->phase[p]);
    tsp_hist_free(t->beat);
    *t = (struct tsp_tally){0};
}

static void record(struct tsp_tally *t, const struct tsp_marks *m, int p)
{
    int64_t from = m->at[phases[p].from], to = m->at[phases[p].to];
    assert(from != 0 && to >= from);
    tsp_hist_record(t->phase[p], to - from);
}

void tsp_tally_start(struct tsp_tally *t, const struct tsp_marks *m, bool lag)
{
    t->started++;
    t->open++;
    if (t->open > t->open_max)
        t->open_max = t->open;
    if (lag)
        record(t, m, TSP_PHASE_LAG);
}

static void leave(struct tsp_tally *t)
{
    assert(t->open > 0);
    t->open--;
}

void tsp_tally_ok(struct tsp_tally *t, const struct tsp_marks *m)
{
    bool early = m->at[TSP_MARK_FIRST_BYTE] < m->at[TSP_MARK_SENT];
    leave(t);
    t->ok++;
    t->answered_early += early;
    for (int p = 0; p < TSP_PHASES; p++) {
        if (p != TSP_PHASE_LAG && !(early && p == TSP_PHASE_FIRST_BYTE))
            record(t, m, p);
    }
}

/* When all rows are taken by other kinds, the count stays in failure[] only. */
static void count_other(struct tsp_tally *t, const struct tsp_other *kind)
{
    for (int i = 0; i < TSP_TALLY_OTHERS; i++) {
        struct tsp_other *row = &t->other[i];
        if (row->error == 0) {
            *row = *kind;
            return;
        }
        if (row->error == kind->error && row->step == kind->step) {
            row->count += kind->count;
            return;
        }
    }
}

void tsp_tally_fail(struct tsp_tally *t, enum tsp_outcome o, enum tsp_step step, int error)
{
    assert(o != TSP_OK);
    leave(t);
    t->failed++;
    t->failure[o][step]++;
    if (o == TSP_OTHER && error != 0)
        count_other(t, &(struct tsp_other){error, step, 1});
}

void tsp_tally_abort(struct tsp_tally *t)
{
    leave(t);
    t->aborted++;
}

static void add_failures(struct tsp_tally *into, const struct tsp_tally *from)
{
    for (int o = 0; o < TSP_OUTCOMES; o++) {
        for (int s = 0; s < TSP_STEPS; s++)
            into->failure[o][s] += from->failure[o][s];
    }
    for (int i = 0; i < TSP_TALLY_OTHERS && from->other[i].error != 0; i++)
        count_other(into, &from->other[i]);
}

void tsp_tally_add(struct tsp_tally *into, const struct tsp_tally *from)
{
    for (int p = 0; p < TSP_PHASES; p++)
        tsp_hist_add(into->phase[p], from->phase[p]);
    tsp_hist_add(into->beat, from->beat);
    add_failures(into, from);
    into->due += from->due;
    into->started += from->started;
    into->ok += from->ok;
    into->failed += from->failed;
    into->aborted += from->aborted;
    into->capped += from->capped;
    into->not_started += from->not_started;
    into->retransmitted += from->retransmitted;
    into->retransmitted_ok += from->retransmitted_ok;
    into->answered_early += from->answered_early;
    into->open += from->open;
    into->open_max += from->open_max;
    into->bytes_sent += from->bytes_sent;
    into->bytes_received += from->bytes_received;
}

static bool failures_add_up(const struct tsp_tally *t)
{
    uint64_t sum = 0;
    for (int o = 0; o < TSP_OUTCOMES; o++) {
        for (int s = 0; s < TSP_STEPS; s++)
            sum += t->failure[o][s];
    }
    uint64_t ok = 0;
    for (int s = 0; s < TSP_STEPS; s++)
        ok += t->failure[TSP_OK][s];
    return sum == t->failed && ok == 0;
}

static bool others_are_known(const struct tsp_tally *t)
{
    uint64_t left[TSP_STEPS];
    memcpy(left, t->failure[TSP_OTHER], sizeof left);
    for (int i = 0; i < TSP_TALLY_OTHERS && t->other[i].error != 0; i++) {
        if (t->other[i].count > left[t->other[i].step])
            return false;
        left[t->other[i].step] -= t->other[i].count;
    }
    return true;
}

bool tsp_tally_adds_up(const struct tsp_tally *t, bool lag)
{
    for (int p = 0; p < TSP_PHASES; p++) {
        uint64_t want = p != TSP_PHASE_LAG ? t->ok : lag ? t->started : 0;
        if (p == TSP_PHASE_FIRST_BYTE)
            want -= t->answered_early;
        if (tsp_hist_count(t->phase[p]) != want)
            return false;
    }
    return t->due == t->started + t->capped + t->not_started &&
           t->started == t->ok + t->failed + t->aborted + t->open && failures_add_up(t) &&
           others_are_known(t) && t->retransmitted_ok <= t->ok &&
           t->retransmitted_ok <= t->retransmitted;
}
