#include "bind/lua_server.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "bind/lua_fields.h"
#include "server/server.h"
#include "server/spec.h"

#define SERVER_TYPE "tspam.server"

struct server_box {
    struct tsp_server *server; /* NULL: did not start, or was collected */
    bool stopped;              /* its statistics stay */
};

/* Registry entry: how many servers of this state run. */
#define RUNNING "tspam.servers"

lua_Integer tsp_lua_servers_running(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, RUNNING);
    lua_Integer n = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return n;
}

static void count_running(lua_State *L, int change)
{
    lua_pushinteger(L, tsp_lua_servers_running(L) + change);
    lua_setfield(L, LUA_REGISTRYINDEX, RUNNING);
}

static struct server_box *to_box(lua_State *L)
{
    return luaL_checkudata(L, 1, SERVER_TYPE);
}

/* Running or stopped. A finalizer may use a server whose own has run already: Lua
 * keeps the object, but nothing is behind it any more. */
static struct tsp_server *to_server(lua_State *L)
{
    struct server_box *box = to_box(L);
    if (!box->server)
        luaL_error(L, "attempt to use a stopped server");
    return box->server;
}

static struct tsp_server *to_running(lua_State *L)
{
    struct tsp_server *server = to_server(L);
    if (to_box(L)->stopped)
        luaL_error(L, "attempt to use a stopped server");
    return server;
}

static void set_count(lua_State *L, const char *name, uint64_t n)
{
    lua_pushinteger(L, (lua_Integer)n);
    lua_setfield(L, -2, name);
}

/* {["reset/reply"] = n, …}: only what happened. */
static void push_failures(lua_State *L, const struct tsp_server_stats *stats)
{
    lua_newtable(L);
    for (int o = 0; o < TSP_OUTCOMES; o++) {
        for (int s = 0; s < TSP_STEPS; s++) {
            if (!stats->failure[o][s])
                continue;
            lua_pushfstring(L, "%s/%s", tsp_outcome_name((enum tsp_outcome)o),
                            tsp_step_name((enum tsp_step)s));
            lua_pushinteger(L, (lua_Integer)stats->failure[o][s]);
            lua_settable(L, -3);
        }
    }
}

/* server:stats() -> {accepted=, answered=, failed=, failures={…}, open=, shed=, …} */
static int server_stats(lua_State *L)
{
    struct tsp_server *server = to_server(L);
    struct tsp_server_stats stats;
    tsp_server_stats(server, &stats);
    lua_createtable(L, 0, 10);
    set_count(L, "accepted", stats.accepted);
    set_count(L, "answered", stats.answered);
    set_count(L, "failed", stats.failed);
    set_count(L, "open", stats.open);
    set_count(L, "shed", stats.shed);
    set_count(L, "accept_errors", stats.accept_errors);
    set_count(L, "bytes_received", stats.bytes_received);
    set_count(L, "bytes_sent", stats.bytes_sent);
    set_count(L, "max_open", (uint64_t)tsp_server_max_open(server));
    push_failures(L, &stats);
    lua_setfield(L, -2, "failures");
    return 1;
}

/* server:address([i = 1]) -> "127.0.0.1:2345", or nil past the last */
static int server_address(lua_State *L)
{
    struct tsp_server *server = to_running(L);
    lua_Integer i = luaL_optinteger(L, 2, 1);
    luaL_argcheck(L, i >= 1, 2, "the first address has number 1");
    lua_pushstring(L, tsp_server_address(server, (size_t)i - 1));
    return 1;
}

/* server:wait([seconds]) -> true when interrupted, false when the time is over.
 * Without a bound it waits for the interrupt. */
static int server_wait(lua_State *L)
{
    (void)to_running(L);
    bool bounded = !lua_isnoneornil(L, 2);
    lua_Number left = bounded ? luaL_checknumber(L, 2) : 0;
    luaL_argcheck(L, left >= 0 && left <= 1e9, 2, "seconds must be in 0 .. 1e9");
    int64_t end = tsp_now_ns() + (int64_t)(left * 1e9);
    bool over = false;
    while (!tsp_interrupted() && !over) {
        int64_t step = bounded ? end - tsp_now_ns() : TSP_SECOND;
        over = bounded && step <= 0;
        if (!over)
            (void)tsp_interrupt_sleep(step < TSP_SECOND ? step : TSP_SECOND);
    }
    lua_pushboolean(L, tsp_interrupted() != 0);
    return 1;
}

/* server:stop(), also __close. Finishes what is open, within a second; a second
 * call does nothing. */
static int server_stop(lua_State *L)
{
    struct server_box *box = to_box(L);
    if (box->server && !box->stopped) {
        tsp_server_stop(box->server);
        count_running(L, -1);
    }
    box->stopped = true;
    return 0;
}

static int server_gc(lua_State *L)
{
    struct server_box *box = to_box(L);
    (void)server_stop(L);
    tsp_server_free(box->server);
    *box = (struct server_box){.stopped = true};
    return 0;
}

static int server_tostring(lua_State *L)
{
    struct server_box *box = to_box(L);
    if (box->stopped || !box->server)
        lua_pushliteral(L, "tspam.server (stopped)");
    else
        lua_pushfstring(L, "tspam.server (%s)", tsp_server_address(box->server, 0));
    return 1;
}

/* server.port; else a method */
static int server_index(lua_State *L)
{
    (void)to_box(L);
    if (lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "port") == 0) {
        lua_pushinteger(L, tsp_server_port(to_server(L)));
        return 1;
    }
    lua_settop(L, 2);
    lua_gettable(L, lua_upvalueindex(1));
    return 1;
}

/* tspam.server{…} -> server | nil, message, errno */
static int server_new(lua_State *L)
{
    struct tsp_server_spec spec = {0};
    struct tsp_err err = {0};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    tsp_lua_read_fields(L, 1, "tspam.server", tsp_server_fields, &spec);
    if (tsp_server_spec_check(&spec, &err))
        return tsp_lua_misuse(L, "tspam.server", err.msg);
    struct server_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = (struct server_box){0};
    luaL_setmetatable(L, SERVER_TYPE);
    if (tsp_server_start(&box->server, &spec, &err))
        return tsp_lua_push_failure(L, &err);
    count_running(L, 1);
    return 1;
}

static const luaL_Reg metamethods[] = {
    {"__gc", server_gc},
    {"__close", server_stop},
    {"__tostring", server_tostring},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"address", server_address},
    {"stats", server_stats},
    {"stop", server_stop},
    {"wait", server_wait},
    {NULL, NULL},
};

int tsp_luaopen_server(lua_State *L)
{
    luaL_newmetatable(L, SERVER_TYPE);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_pushcclosure(L, server_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, server_new);
    return 1;
}
