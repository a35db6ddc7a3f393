#include "bind/lua_result.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "bind/lua_hist.h"

#define RESULT_TYPE "tspam.result"

static int result_gc(lua_State *L)
{
    tsp_result_clear(lua_touserdata(L, 1));
    return 0;
}

struct tsp_result *tsp_lua_new_result(lua_State *L)
{
    struct tsp_result *r = lua_newuserdatauv(L, sizeof *r, 0);
    *r = (struct tsp_result){0};
    if (luaL_newmetatable(L, RESULT_TYPE)) {
        lua_pushcfunction(L, result_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return r;
}

static void set_count(lua_State *L, const char *name, uint64_t n)
{
    lua_pushinteger(L, (lua_Integer)n);
    lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, double v)
{
    lua_pushnumber(L, v);
    lua_setfield(L, -2, name);
}

static void set_bool(lua_State *L, const char *name, bool v)
{
    lua_pushboolean(L, v);
    lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *v)
{
    lua_pushstring(L, v);
    lua_setfield(L, -2, name);
}

/* Nothing was measured: nil, not 0. */
static void set_time(lua_State *L, const char *name, int64_t ns)
{
    if (ns > 0)
        set_number(L, name, (double)ns / 1e9);
}

void tsp_lua_push_interval(lua_State *L, const struct tsp_interval *interval)
{
    lua_createtable(L, 0, 9);
    set_number(L, "time", interval->time);
    set_count(L, "started", interval->started);
    set_count(L, "ok", interval->ok);
    set_count(L, "failed", interval->failed);
    set_count(L, "open", interval->open);
    set_time(L, "p50", interval->p50);
    set_time(L, "p99", interval->p99);
    set_time(L, "max", interval->max);
    set_time(L, "lag_p99", interval->lag_p99);
}

void tsp_lua_push_findings(lua_State *L, const struct tsp_findings *f, int least_severity)
{
    lua_newtable(L);
    for (size_t i = 0; i < f->count; i++) {
        const struct tsp_finding *one = &f->item[i];
        if ((int)one->severity < least_severity)
            continue;
        lua_createtable(L, 0, 6);
        set_text(L, "severity", tsp_severity_name(one->severity));
        set_text(L, "what", one->what);
        set_text(L, "have", one->have);
        set_text(L, "need", one->need);
        set_text(L, "remedy", one->remedy);
        set_text(L, "effect", one->effect);
        lua_rawseti(L, -2, luaL_len(L, -2) + 1);
    }
}

static void push_counts(lua_State *L, const struct tsp_tally *t)
{
    set_count(L, "due", t->due);
    set_count(L, "started", t->started);
    set_count(L, "ok", t->ok);
    set_count(L, "failed", t->failed);
    set_count(L, "aborted", t->aborted);
    set_count(L, "capped", t->capped);
    set_count(L, "not_started", t->not_started);
    set_count(L, "retransmitted", t->retransmitted);
    set_count(L, "retransmitted_ok", t->retransmitted_ok);
    set_count(L, "open_max", t->open_max);
    set_count(L, "bytes_sent", t->bytes_sent);
    set_count(L, "bytes_received", t->bytes_received);
}

static void push_failures(lua_State *L, const struct tsp_tally *t)
{
    char key[64];
    lua_newtable(L);
    for (int o = 0; o < TSP_OUTCOMES; o++)
        for (int s = 0; s < TSP_STEPS; s++) {
            if (!t->failure[o][s])
                continue;
            snprintf(key, sizeof key, "%s/%s", tsp_outcome_name((enum tsp_outcome)o),
                     tsp_step_name((enum tsp_step)s));
            set_count(L, key, t->failure[o][s]);
        }
    lua_setfield(L, -2, "failures");
    lua_newtable(L);
    for (int i = 0; i < TSP_TALLY_OTHERS && t->other[i].error; i++) {
        snprintf(key, sizeof key, "%s/%s", tsp_errno_name(t->other[i].error),
                 tsp_step_name(t->other[i].step));
        set_count(L, key, t->other[i].count);
    }
    lua_setfield(L, -2, "others");
}

static void push_phases(lua_State *L, const struct tsp_result *r)
{
    lua_newtable(L);
    for (int p = 0; p < TSP_PHASES; p++) {
        const char *name = tsp_phase_name((enum tsp_phase)p);
        if (p == TSP_PHASE_LAG && r->closed_loop)
            continue;
        tsp_hist_add(tsp_lua_push_hist(L), r->tally.phase[p]);
        lua_setfield(L, -3, name);
        lua_pushstring(L, name);
        lua_rawseti(L, -2, luaL_len(L, -2) + 1);
    }
    lua_setfield(L, -2, "phases");
}

static void push_timeline(lua_State *L, const struct tsp_timeline *t)
{
    lua_createtable(L, (int)t->count, 0);
    for (size_t i = 0; i < t->count; i++) {
        tsp_lua_push_interval(L, &t->item[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "timeline");
}

static void push_sources(lua_State *L, const struct tsp_result *r)
{
    lua_newtable(L);
    set_text(L, "picked_by", r->walk ? "tspam" : "kernel");
    set_count(L, "tuples", r->tuples);
    set_count(L, "skipped", r->skipped);
    set_time(L, "shortest_reuse", r->shortest_reuse);
    lua_setfield(L, -2, "sources");
}

static void push_outsides(lua_State *L, const struct tsp_nat *n)
{
    char text[TSP_ADDR_TEXT];
    lua_createtable(L, (int)n->outsides, 0);
    for (size_t i = 0; i < n->outsides; i++) {
        lua_pushstring(L, tsp_addr_host_text(text, &n->outside[i].address));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "outside_addresses");
    set_count(L, "outside_count", n->outsides);
    set_count(L, "unlisted", n->more_addresses);
}

static void push_nat(lua_State *L, struct tsp_nat *n)
{
    struct tsp_nat_clashes clashes = tsp_nat_clashes(n);
    lua_newtable(L);
    set_count(L, "reported", n->reported);
    set_count(L, "unreported", n->unreported);
    if (n->reported)
        set_bool(L, "translated", n->translated > 0);
    set_count(L, "connections_translated", n->translated);
    if (n->translated)
        set_number(L, "ports_preserved", (double)n->preserved / (double)n->translated);
    set_count(L, "collisions", clashes.collisions);
    set_count(L, "reused", clashes.reused);
    set_count(L, "uncompared", n->more_holds);
    push_outsides(L, n);
    lua_setfield(L, -2, "nat");
}

static void push_verdict(lua_State *L, const struct tsp_verdict *v)
{
    set_text(L, "verdict", v->reasons ? "invalid" : "valid");
    lua_newtable(L);
    for (size_t i = 0; i < v->reasons; i++) {
        lua_createtable(L, 0, 3);
        set_text(L, "limit", v->reason[i].limit);
        set_text(L, "what", v->reason[i].what);
        set_text(L, "text", v->reason[i].text);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "reasons");
    if (v->reasons)
        set_text(L, "limited_by", v->reason[0].limit);
}

static void push_machine(lua_State *L, const struct tsp_result *r)
{
    lua_newtable(L);
    for (size_t i = 0; i < r->counters.count; i++) {
        lua_pushinteger(L, r->counters.item[i].value);
        lua_setfield(L, -2, r->counters.item[i].name);
    }
    lua_setfield(L, -2, "counters");
    lua_newtable(L);
    set_number(L, "user", r->cpu_user);
    set_number(L, "system", r->cpu_system);
    set_number(L, "share", r->cpu_share);
    lua_setfield(L, -2, "cpu");
    tsp_lua_push_findings(L, &r->warnings, TSP_SEVERITY_WARNING);
    lua_setfield(L, -2, "warnings");
}

static void push_target(lua_State *L, const struct tsp_result *r)
{
    char text[TSP_ADDR_TEXT];
    lua_newtable(L);
    set_text(L, "address", tsp_addr_host_text(text, &r->target));
    set_count(L, "port", tsp_addr_port(&r->target));
    if (r->port_hi != tsp_addr_port(&r->target))
        set_count(L, "port_to", r->port_hi);
    lua_setfield(L, -2, "target");
}

static void push_first_failure(lua_State *L, const struct tsp_result *r)
{
    if (r->first_failure < 0)
        return;
    lua_newtable(L);
    set_number(L, "time", (double)r->first_failure / 1e9);
    if (!r->closed_loop)
        set_count(L, "count", r->first_failure_count);
    lua_setfield(L, -2, "first_failure");
}

void tsp_lua_push_result(lua_State *L, struct tsp_result *r)
{
    lua_createtable(L, 0, 40);
    if (!r->closed_loop)
        set_number(L, "rate", r->rate);
    set_number(L, "achieved", tsp_result_achieved(r));
    set_number(L, "completed", tsp_result_completed(r));
    set_number(L, "length", r->length);
    set_number(L, "elapsed", r->elapsed);
    set_count(L, "workers", r->workers);
    set_bool(L, "interrupted", r->interrupted);
    push_counts(L, &r->tally);
    push_failures(L, &r->tally);
    push_phases(L, r);
    push_timeline(L, &r->timeline);
    push_sources(L, r);
    if (r->has_nat)
        push_nat(L, &r->nat);
    push_verdict(L, &r->verdict);
    push_machine(L, r);
    push_target(L, r);
    push_first_failure(L, r);
}

/* ---- spec ---- */

static void push_stages(lua_State *L, const struct tsp_stage_list *list)
{
    lua_newtable(L);
    for (size_t i = 0; i < list->count; i++) {
        lua_newtable(L);
        set_number(L, "rate", list->item[i].rate);
        if (list->item[i].rate_to >= 0)
            set_number(L, "rate_to", list->item[i].rate_to);
        set_number(L, "length", (double)list->item[i].length_ns / 1e9);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_strings(lua_State *L, const struct tsp_strings *list)
{
    lua_newtable(L);
    for (size_t i = 0; i < list->count; i++) {
        lua_pushstring(L, list->item[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* The index-th word of "half|reset". */
static void push_choice(lua_State *L, const char *choices, int index)
{
    const char *from = choices;
    while (index-- > 0)
        from += strcspn(from, "|") + 1;
    lua_pushlstring(L, from, strcspn(from, "|"));
}

static void push_ports(lua_State *L, const struct tsp_ports *ports)
{
    if (ports->lo == ports->hi)
        lua_pushinteger(L, ports->lo);
    else
        lua_pushfstring(L, "%d-%d", ports->lo, ports->hi);
}

static void push_number_or_nil(lua_State *L, double value, bool whole)
{
    if (value < 0) /* TSP_UNSET */
        lua_pushnil(L);
    else if (whole)
        lua_pushinteger(L, (lua_Integer)value);
    else
        lua_pushnumber(L, value);
}

/* Content is not repeated: it may be 64 MiB. */
static void push_member(lua_State *L, const struct tsp_field *f, const void *at)
{
    double number;
    switch (f->type) {
    case TSP_FIELD_STRING:
        lua_pushstring(L, *(const char *const *)at);
        return;
    case TSP_FIELD_RATE:
        push_number_or_nil(L, *(const double *)at, false);
        return;
    case TSP_FIELD_TIME:
        number = (double)*(const int64_t *)at;
        push_number_or_nil(L, number < 0 ? number : number / 1e9, false);
        return;
    case TSP_FIELD_COUNT:
    case TSP_FIELD_SIZE:
        push_number_or_nil(L, (double)*(const int64_t *)at, true);
        return;
    case TSP_FIELD_BOOL:
        lua_pushboolean(L, *(const bool *)at);
        return;
    case TSP_FIELD_CHOICE:
        push_choice(L, f->choices, *(const int *)at);
        return;
    case TSP_FIELD_PORTS:
        push_ports(L, at);
        return;
    case TSP_FIELD_STRINGS:
        push_strings(L, at);
        return;
    case TSP_FIELD_STAGES:
        push_stages(L, at);
        return;
    case TSP_FIELD_DATA:
    case TSP_FIELD_CALLBACK:
        lua_pushnil(L);
        return;
    }
    lua_pushnil(L);
}

void tsp_lua_push_spec(lua_State *L, const struct tsp_field *fields, const void *spec)
{
    lua_newtable(L);
    for (const struct tsp_field *f = fields; f->name; f++) {
        push_member(L, f, (const char *)spec + f->at);
        lua_setfield(L, -2, f->name);
    }
}
