#include "bind/lua_hist.h"

#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "base/units.h"
#include "bind/lua_fields.h"
#include "measure/hist_codec.h"

#define HIST_TYPE "tspam.histogram"
#define NS_PER_SECOND 1e9

/* What one costs beside the few bytes that Lua sees, in KiB, when it is full. */
#define HIST_KIB 264

/* Whole numbers up to here survive a script's arithmetic on floats. */
#define COUNT_MAX (INT64_C(1) << 53)

/* The object exists, with its __gc, before the memory it will own: an error in
 * between leaks nothing. */
static struct tsp_hist **push_box(lua_State *L)
{
    struct tsp_hist **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    luaL_setmetatable(L, HIST_TYPE);
    /* Lua sees a pointer and would let thousands pile up: tell it the size. */
    lua_gc(L, LUA_GCSTEP, HIST_KIB);
    return box;
}

struct tsp_hist *tsp_lua_push_hist(lua_State *L)
{
    struct tsp_hist **box = push_box(L);
    *box = tsp_hist_new();
    if (!*box)
        luaL_error(L, "not enough memory for a histogram");
    return *box;
}

struct tsp_hist *tsp_lua_to_hist(lua_State *L, int arg)
{
    struct tsp_hist **box = luaL_checkudata(L, arg, HIST_TYPE);
    luaL_argcheck(L, *box, arg, "histogram without memory");
    return *box;
}

/* Seconds -> ns; what int64_t cannot hold is its largest, NaN must not come. */
static int64_t to_ns(lua_Number seconds)
{
    lua_Number ns = round(seconds * NS_PER_SECOND);
    if (ns >= 0x1p63)
        return INT64_MAX;
    return ns < -0x1p62 ? -1 : (int64_t)ns;
}

static void push_seconds(lua_State *L, double ns)
{
    lua_pushnumber(L, ns / NS_PER_SECOND);
}

/* A figure of no values is nil. */
static int push_figure(lua_State *L, const struct tsp_hist *h, double ns)
{
    if (tsp_hist_count(h) == 0)
        lua_pushnil(L);
    else
        push_seconds(L, ns);
    return 1;
}

/* h:count(), #h -> integer */
static int hist_count(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)tsp_hist_count(tsp_lua_to_hist(L, 1)));
    return 1;
}

/* h:min() -> seconds | nil */
static int hist_min(lua_State *L)
{
    const struct tsp_hist *h = tsp_lua_to_hist(L, 1);
    return push_figure(L, h, (double)tsp_hist_min(h));
}

/* h:max() -> seconds | nil */
static int hist_max(lua_State *L)
{
    const struct tsp_hist *h = tsp_lua_to_hist(L, 1);
    return push_figure(L, h, (double)tsp_hist_max(h));
}

/* h:mean() -> seconds | nil */
static int hist_mean(lua_State *L)
{
    const struct tsp_hist *h = tsp_lua_to_hist(L, 1);
    return push_figure(L, h, tsp_hist_mean(h));
}

/* h:stdev() -> seconds | nil */
static int hist_stdev(lua_State *L)
{
    const struct tsp_hist *h = tsp_lua_to_hist(L, 1);
    return push_figure(L, h, tsp_hist_stdev(h));
}

/* h:percentile(p) -> seconds | nil */
static int hist_percentile(lua_State *L)
{
    const struct tsp_hist *h = tsp_lua_to_hist(L, 1);
    lua_Number p = luaL_checknumber(L, 2);
    luaL_argcheck(L, p >= 0 && p <= 100, 2, "percentile must be 0 .. 100");
    return push_figure(L, h, (double)tsp_hist_percentile(h, p));
}

/* h:count_between(from, to) -> integer; both ends belong to it */
static int hist_count_between(lua_State *L)
{
    const struct tsp_hist *h = tsp_lua_to_hist(L, 1);
    lua_Number from = luaL_checknumber(L, 2), to = luaL_checknumber(L, 3);
    luaL_argcheck(L, !isnan(from), 2, "seconds expected, got nan");
    luaL_argcheck(L, !isnan(to), 3, "seconds expected, got nan");
    uint64_t n = tsp_hist_count_between(h, to_ns(from), to_ns(to));
    lua_pushinteger(L, (lua_Integer)n);
    return 1;
}

/* h:record(seconds [, n]) -> h */
static int hist_record(lua_State *L)
{
    struct tsp_hist *h = tsp_lua_to_hist(L, 1);
    lua_Number seconds = luaL_checknumber(L, 2);
    lua_Integer n = luaL_optinteger(L, 3, 1);
    luaL_argcheck(L, seconds >= 0 && isfinite(seconds), 2, "seconds must be finite and >= 0");
    luaL_argcheck(L, n >= 0 && n <= COUNT_MAX, 3, "count must be 0 .. 2^53");
    tsp_hist_record_n(h, to_ns(seconds), (uint64_t)n);
    lua_settop(L, 1);
    return 1;
}

/* h:add(other) -> h */
static int hist_add(lua_State *L)
{
    struct tsp_hist *h = tsp_lua_to_hist(L, 1);
    tsp_hist_add(h, tsp_lua_to_hist(L, 2));
    lua_settop(L, 1);
    return 1;
}

/* h:copy() -> histogram */
static int hist_copy(lua_State *L)
{
    const struct tsp_hist *h = tsp_lua_to_hist(L, 1);
    tsp_hist_add(tsp_lua_push_hist(L), h);
    return 1;
}

/* The iterator: from, to, count of the next bucket that holds something. */
static int next_bucket(lua_State *L)
{
    const struct tsp_hist *h = tsp_lua_to_hist(L, lua_upvalueindex(1));
    struct tsp_hist_step step = {.index = (int32_t)lua_tointeger(L, lua_upvalueindex(2))};
    if (!tsp_hist_next(h, &step))
        return 0;
    lua_pushinteger(L, step.index);
    lua_replace(L, lua_upvalueindex(2));
    push_seconds(L, (double)step.from);
    push_seconds(L, (double)step.to);
    lua_pushinteger(L, (lua_Integer)step.count);
    return 3;
}

/* for from, to, count in h:each() do … end */
static int hist_each(lua_State *L)
{
    tsp_lua_to_hist(L, 1);
    lua_settop(L, 1);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, next_bucket, 2);
    return 1;
}

static int push_text(lua_State *L)
{
    lua_pushstring(L, lua_touserdata(L, 1));
    return 1;
}

/* h:encode() -> string. Called protected: copying the text into Lua may raise,
 * and the C copy must be freed all the same. */
static int hist_encode(lua_State *L)
{
    char *text = tsp_hist_encode(tsp_lua_to_hist(L, 1));
    if (!text)
        return luaL_error(L, "not enough memory to encode a histogram");
    lua_pushcfunction(L, push_text);
    lua_pushlightuserdata(L, text);
    int status = lua_pcall(L, 1, 1, 0);
    free(text);
    return status == LUA_OK ? 1 : lua_error(L);
}

/* "histogram (3 values, 1.00 ms .. 9.00 ms)" */
static int hist_tostring(lua_State *L)
{
    const struct tsp_hist *h = tsp_lua_to_hist(L, 1);
    lua_Integer count = (lua_Integer)tsp_hist_count(h);
    char lo[32], hi[32];
    if (count == 0) {
        lua_pushliteral(L, "histogram (empty)");
        return 1;
    }
    tsp_format_time(lo, sizeof lo, tsp_hist_min(h));
    tsp_format_time(hi, sizeof hi, tsp_hist_max(h));
    const char *values = count == 1 ? "value" : "values";
    lua_pushfstring(L, "histogram (%I %s, %s .. %s)", (LUAI_UACINT)count, values, lo, hi);
    return 1;
}

static int hist_gc(lua_State *L)
{
    struct tsp_hist **box = luaL_checkudata(L, 1, HIST_TYPE);
    tsp_hist_free(*box);
    *box = NULL;
    return 0;
}

/* tspam.histogram.new([{}]) -> histogram */
static int hist_new(lua_State *L)
{
    static const struct tsp_field no_fields[] = {{0}};
    if (!lua_isnoneornil(L, 1))
        tsp_lua_read_fields(L, 1, "tspam.histogram.new", no_fields, NULL);
    tsp_lua_push_hist(L);
    return 1;
}

/* tspam.histogram.decode(text) -> histogram | nil, message, errno */
static int hist_decode(lua_State *L)
{
    size_t len;
    struct tsp_err err = {0};
    const char *text = luaL_checklstring(L, 1, &len);
    struct tsp_hist **box = push_box(L);
    *box = tsp_hist_decode(text, len, &err);
    return *box ? 1 : tsp_lua_push_failure(L, &err);
}

static const luaL_Reg methods[] = {
    {"add", hist_add},
    {"copy", hist_copy},
    {"count", hist_count},
    {"count_between", hist_count_between},
    {"each", hist_each},
    {"encode", hist_encode},
    {"max", hist_max},
    {"mean", hist_mean},
    {"min", hist_min},
    {"percentile", hist_percentile},
    {"record", hist_record},
    {"stdev", hist_stdev},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", hist_gc},
    {"__len", hist_count},
    {"__tostring", hist_tostring},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"decode", hist_decode},
    {"new", hist_new},
    {NULL, NULL},
};

int tsp_luaopen_hist(lua_State *L)
{
    luaL_newmetatable(L, HIST_TYPE);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
