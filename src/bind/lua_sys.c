#include "bind/lua_sys.h"

#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/field.h"
#include "base/interrupt.h"
#include "base/save.h"
#include "base/terminal.h"
#include "base/units.h"
#include "bind/lua_fields.h"
#include "net/addr.h"
#include "sys/machine.h"
#include "sys/usage.h"

/* tspam.now() -> seconds, monotonic */
static int sys_now(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)tsp_now_ns() / 1e9);
    return 1;
}

/* tspam.sleep(seconds or "250ms") -> true, or false when interrupted */
static int sys_sleep(lua_State *L)
{
    static const struct tsp_field row = {.type = TSP_FIELD_TIME, .min = 0, .max = 1e9};
    struct tsp_err err;
    int64_t ns = 0;
    int rc;
    if (lua_type(L, 1) == LUA_TNUMBER)
        rc = tsp_field_store_number(&row, lua_tonumber(L, 1), &ns, &err);
    else if (lua_type(L, 1) == LUA_TSTRING)
        rc = tsp_field_store_text(&row, lua_tostring(L, 1), &ns, &err);
    else
        return luaL_typeerror(L, 1, tsp_field_wants(&row));
    if (rc)
        return luaL_argerror(L, 1, err.msg);
    lua_pushboolean(L, !tsp_interrupt_sleep(ns));
    return 1;
}

/* tspam.interrupted() -> nil | signal number */
static int sys_interrupted(lua_State *L)
{
    int sig = tsp_interrupted();
    if (sig)
        lua_pushinteger(L, sig);
    else
        lua_pushnil(L);
    return 1;
}

/* tspam.resolve(host [, "4"|"6"]) -> address text | nil, message, errno */
static int sys_resolve(lua_State *L)
{
    static const char *const names[] = {"any", "4", "6", NULL};
    static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6};
    const char *host = luaL_checkstring(L, 1);
    int family = families[luaL_checkoption(L, 2, "any", names)];
    char text[TSP_ADDR_TEXT];
    struct tsp_addr a;
    struct tsp_err err;
    if (tsp_addr_resolve(&a, host, family, &err))
        return tsp_lua_push_failure(L, &err);
    lua_pushstring(L, tsp_addr_host_text(text, &a));
    return 1;
}

/* The system would see the part before a NUL only. */
static const char *check_path(lua_State *L, int arg)
{
    size_t len;
    const char *path = luaL_checklstring(L, arg, &len);
    luaL_argcheck(L, strlen(path) == len, arg, "must not contain a NUL byte");
    return path;
}

/* tspam.save(path, text) -> true | nil, message, errno */
static int sys_save(lua_State *L)
{
    struct tsp_err err;
    size_t len;
    const char *path = check_path(L, 1), *text = luaL_checklstring(L, 2, &len);
    if (tsp_save(path, text, len, &err))
        return tsp_lua_push_failure(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* tspam.can_save(path) -> true | nil, message, errno */
static int sys_can_save(lua_State *L)
{
    struct tsp_err err;
    if (tsp_save_check(check_path(L, 1), &err))
        return tsp_lua_push_failure(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* tspam.terminal(fd) -> boolean, columns */
static int sys_terminal(lua_State *L)
{
    lua_Integer fd = luaL_checkinteger(L, 1);
    luaL_argcheck(L, fd >= 0 && fd <= INT_MAX, 1, "not a descriptor");
    lua_pushboolean(L, tsp_is_terminal((int)fd));
    lua_pushinteger(L, tsp_terminal_width((int)fd));
    return 2;
}

/* tspam.usage() -> {user=, system=, rss=}: seconds and bytes of this process */
static int sys_usage(lua_State *L)
{
    struct tsp_usage u;
    tsp_usage_process(&u);
    lua_createtable(L, 0, 3);
    lua_pushnumber(L, (lua_Number)u.user_ns / 1e9);
    lua_setfield(L, -2, "user");
    lua_pushnumber(L, (lua_Number)u.system_ns / 1e9);
    lua_setfield(L, -2, "system");
    lua_pushinteger(L, tsp_usage_rss());
    lua_setfield(L, -2, "rss");
    return 1;
}

/* tspam.machine() -> {host=, kernel=, cpus=}: where this is run */
static int sys_machine(lua_State *L)
{
    struct tsp_machine m;
    tsp_machine_read(&m);
    lua_createtable(L, 0, 3);
    lua_pushstring(L, m.host);
    lua_setfield(L, -2, "host");
    lua_pushstring(L, m.kernel);
    lua_setfield(L, -2, "kernel");
    lua_pushinteger(L, m.cpus);
    lua_setfield(L, -2, "cpus");
    return 1;
}

/* tspam.units.rate("25k") -> 25000.0 | nil */
static int units_rate(lua_State *L)
{
    double rate;
    if (tsp_parse_scaled(luaL_checkstring(L, 1), &rate))
        lua_pushnumber(L, rate);
    else
        lua_pushnil(L);
    return 1;
}

/* tspam.units.time("250ms") -> 0.25 | nil */
static int units_time(lua_State *L)
{
    int64_t ns;
    if (tsp_parse_time(luaL_checkstring(L, 1), &ns))
        lua_pushnumber(L, (lua_Number)ns / 1e9);
    else
        lua_pushnil(L);
    return 1;
}

/* tspam.units.size("64M") -> 67108864 | nil */
static int units_size(lua_State *L)
{
    int64_t bytes;
    if (tsp_parse_size(luaL_checkstring(L, 1), &bytes))
        lua_pushinteger(L, bytes);
    else
        lua_pushnil(L);
    return 1;
}

/* clang-format off */
static const luaL_Reg functions[] = {
    {"can_save", sys_can_save},
    {"interrupted", sys_interrupted},
    {"machine", sys_machine},
    {"now", sys_now},
    {"resolve", sys_resolve},
    {"save", sys_save},
    {"sleep", sys_sleep},
    {"terminal", sys_terminal},
    {"usage", sys_usage},
    {NULL, NULL},
};
/* clang-format on */

static const luaL_Reg units[] = {
    {"rate", units_rate},
    {"size", units_size},
    {"time", units_time},
    {NULL, NULL},
};

void tsp_lua_add_sys(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
    luaL_newlib(L, units);
    lua_setfield(L, -2, "units");
}
