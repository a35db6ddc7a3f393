#include "bind/lua_run.h"

#include <lauxlib.h>
#include <string.h>

#include "base/err.h"
#include "bind/lua_fields.h"
#include "bind/lua_result.h"
#include "bind/lua_server.h"
#include "client/run.h"
#include "client/spec.h"

#define HANDLE_TYPE "tspam.run"

/* User values of a handle. */
enum { VALUE_CALLBACK = 1, VALUE_SPEC, VALUE_LABEL, VALUES = VALUE_LABEL };

struct handle {
    struct tsp_run *run;   /* NULL once waited for, or never started */
    struct tsp_run *ended; /* was interrupted: what it aborted may still be open */
    bool waiting;          /* wait() uses the run now, and releases it */
};

/* Also __close, which on_interval may reach while the run is waited for. */
static int handle_gc(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, HANDLE_TYPE);
    if (h->waiting) {
        tsp_run_stop(h->run, TSP_STOP_ABORT);
        return 0;
    }
    tsp_run_free(h->run);
    tsp_run_free(h->ended);
    *h = (struct handle){0};
    return 0;
}

/* The object exists, with its __gc, before the run it will own. */
static struct handle *push_handle(lua_State *L)
{
    struct handle *h = lua_newuserdatauv(L, sizeof *h, VALUES);
    *h = (struct handle){0};
    luaL_setmetatable(L, HANDLE_TYPE);
    return h;
}

/* Reads the argument table; leaves what spec points to on the stack. */
static void read_spec(lua_State *L, const char *who, struct tsp_run_spec *spec)
{
    struct tsp_err err = {0};
    *spec = (struct tsp_run_spec){0};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1); /* from here on indices are known */
    tsp_lua_read_fields(L, 1, who, tsp_run_fields, spec);
    if (tsp_run_spec_check(spec, &err))
        tsp_lua_misuse(L, who, err.msg);
    spec->own_server = tsp_lua_servers_running(L) > 0;
}

/* Pushes a handle with a started run, or a failure (returns 3). 0 = started. */
static int start(lua_State *L, const char *who)
{
    struct tsp_run_spec spec;
    struct tsp_err err = {0};
    read_spec(L, who, &spec);
    struct handle *h = push_handle(L);
    int at = lua_gettop(L);
    lua_getfield(L, 1, "on_interval");
    lua_setiuservalue(L, at, VALUE_CALLBACK);
    tsp_lua_push_spec(L, tsp_run_fields, &spec);
    lua_setiuservalue(L, at, VALUE_SPEC);
    lua_getfield(L, 1, "label");
    lua_setiuservalue(L, at, VALUE_LABEL);
    if (tsp_run_start(&h->run, &spec, &err))
        return tsp_lua_push_failure(L, &err);
    lua_settop(L, at);
    return 0;
}

/* ---- waiting ---- */

struct watcher {
    lua_State *L;
    int callback; /* stack index */
    int error;    /* stack index: nil, or what the callback raised */
};

static int traceback(lua_State *L)
{
    const char *message = lua_tostring(L, 1);
    if (message)
        luaL_traceback(L, L, message, 1);
    return 1; /* an error object that is no text goes through as it is */
}

/* Called in a protected way: an error must not jump over the run that is
 * going on. It stops the run and is raised when that has ended. */
static bool on_interval(const struct tsp_interval *interval, void *user)
{
    struct watcher *w = user;
    lua_State *L = w->L;
    int top = lua_gettop(L);
    lua_pushcfunction(L, traceback);
    lua_pushvalue(L, w->callback);
    tsp_lua_push_interval(L, interval);
    bool failed = lua_pcall(L, 1, 1, top + 1) != LUA_OK;
    bool stop = failed || (lua_isboolean(L, -1) && !lua_toboolean(L, -1));
    if (failed)
        lua_replace(L, w->error);
    lua_settop(L, top);
    return !stop;
}

static int accounting_error(lua_State *L, const struct tsp_tally *t)
{
    return luaL_error(L,
                      "bug in tspam: counts do not add up: due %I, started %I, ok %I, failed %I, "
                      "aborted %I, capped %I, not started %I, open %I",
                      (LUAI_UACINT)t->due, (LUAI_UACINT)t->started, (LUAI_UACINT)t->ok,
                      (LUAI_UACINT)t->failed, (LUAI_UACINT)t->aborted, (LUAI_UACINT)t->capped,
                      (LUAI_UACINT)t->not_started, (LUAI_UACINT)t->open);
}

/* What the run made of what was asked, in the spec on top of the stack: where it went, how
 * many threads there were, who picked the ports, which bytes were sent. */
static void put_in_force(lua_State *L, const struct tsp_result *r)
{
    char host[TSP_ADDR_TEXT];
    lua_pushstring(L, tsp_addr_host_text(host, &r->target));
    lua_setfield(L, -2, "host");
    lua_pushinteger(L, r->workers);
    lua_setfield(L, -2, "workers");
    lua_getfield(L, -1, "local_ports");
    bool decided = strcmp(lua_tostring(L, -1), "auto") != 0;
    lua_pop(L, 1);
    if (!decided) {
        lua_pushstring(L, r->walk ? "walk" : "kernel");
        lua_setfield(L, -2, "local_ports");
    }
    lua_createtable(L, 0, 2);
    lua_pushinteger(L, (lua_Integer)r->content_len);
    lua_setfield(L, -2, "bytes");
    lua_pushstring(L, r->content_sha256);
    lua_setfield(L, -2, "sha256");
    lua_setfield(L, -2, "content");
}

/* The result is on top of the stack. */
static void add_spec_and_label(lua_State *L, int handle, const struct tsp_result *r)
{
    lua_getiuservalue(L, handle, VALUE_SPEC);
    lua_getfield(L, -1, "host");
    lua_getfield(L, -3, "target");
    lua_insert(L, -2);
    lua_setfield(L, -2, "host"); /* target.host, as it was written */
    lua_pop(L, 1);
    put_in_force(L, r);
    lua_setfield(L, -2, "spec");
    lua_getiuservalue(L, handle, VALUE_LABEL);
    lua_setfield(L, -2, "label");
}

/* What a signal aborted may be a million connections, whose closing takes seconds: the report
 * does not wait for it, and the registry keeps the collector from doing so in between. */
static void release(lua_State *L, int handle, bool interrupted)
{
    struct handle *h = lua_touserdata(L, handle);
    struct tsp_run *run = h->run;
    *h = (struct handle){0};
    if (!interrupted) {
        tsp_run_free(run);
        return;
    }
    h->ended = run;
    lua_pushvalue(L, handle);
    (void)luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Pushes the result of the run in the handle at this index. */
static int wait_for(lua_State *L, int handle)
{
    struct handle *h = lua_touserdata(L, handle);
    struct tsp_result *result = tsp_lua_new_result(L);
    struct watcher w = {.L = L};
    bool watched = lua_getiuservalue(L, handle, VALUE_CALLBACK) == LUA_TFUNCTION;
    w.callback = lua_gettop(L);
    lua_pushnil(L);
    w.error = lua_gettop(L);
    luaL_checkstack(L, LUA_MINSTACK, "tspam.run");
    h->waiting = true;
    int rc = tsp_run_wait(h->run, result, watched ? on_interval : NULL, &w);
    release(L, handle, result->interrupted);
    if (!lua_isnil(L, w.error)) {
        lua_pushvalue(L, w.error);
        return lua_error(L);
    }
    if (rc)
        return accounting_error(L, &result->tally);
    tsp_lua_push_result(L, result);
    add_spec_and_label(L, handle, result);
    tsp_result_clear(result); /* the collector may come late: histograms are large */
    return 1;
}

/* tspam.run{...} -> result | nil, message, errno
 * Misuse raises; what the machine refuses is returned. */
static int run(lua_State *L)
{
    int failed = start(L, "tspam.run");
    return failed ? failed : wait_for(L, lua_gettop(L));
}

/* tspam.start{...} -> handle | nil, message, errno
 * on_interval is called within wait(): whoever does something else meanwhile
 * looks by snapshot(). */
static int start_handle(lua_State *L)
{
    int failed = start(L, "tspam.start");
    return failed ? failed : 1;
}

static struct handle *to_running(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, HANDLE_TYPE);
    luaL_argcheck(L, h->run, 1, "attempt to use a run that was waited for");
    return h;
}

/* handle:wait() -> result */
static int handle_wait(lua_State *L)
{
    luaL_argcheck(L, !to_running(L)->waiting, 1, "attempt to wait for a run within its wait");
    lua_settop(L, 1);
    return wait_for(L, 1);
}

/* handle:stop() - opens nothing more, ends holds; wait() then returns soon */
static int handle_stop(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, HANDLE_TYPE);
    if (h->run)
        tsp_run_stop(h->run, TSP_STOP_GENTLE);
    return 0;
}

/* handle:snapshot() -> {time=, started=, ok=, failed=, open=} up to the latest interval */
static int handle_snapshot(lua_State *L)
{
    struct tsp_interval sum;
    tsp_run_snapshot(to_running(L)->run, &sum);
    tsp_lua_push_interval(L, &sum);
    return 1;
}

/* tspam.doctor{...} -> list of findings | nil, message, errno */
static int doctor(lua_State *L)
{
    struct tsp_run_spec spec;
    struct tsp_err err = {0};
    struct tsp_findings findings = {0};
    read_spec(L, "tspam.doctor", &spec);
    if (tsp_run_preflight(&spec, &findings, &err))
        return tsp_lua_push_failure(L, &err);
    tsp_lua_push_findings(L, &findings, TSP_SEVERITY_OK);
    return 1;
}

static const luaL_Reg methods[] = {
    {"snapshot", handle_snapshot},
    {"stop", handle_stop},
    {"wait", handle_wait},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__close", handle_gc},
    {"__gc", handle_gc},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"doctor", doctor},
    {"run", run},
    {"start", start_handle},
    {NULL, NULL},
};

void tsp_lua_add_run(lua_State *L)
{
    luaL_newmetatable(L, HANDLE_TYPE);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
