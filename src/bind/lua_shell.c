#include "bind/lua_shell.h"

#include <lauxlib.h>

#include "sys/limits.h"

/* Lua's own function, and the limit commands get */
enum { ORIGINAL = lua_upvalueindex(1), LIMIT = lua_upvalueindex(2) };

/* Runs and servers raise our limit of open files. A command would inherit that, and one
 * that goes by the limit (closes all below it, say) would not do what it does in the
 * user's shell: so its shell puts the limit back first. */
static int call_original(lua_State *L)
{
    lua_Integer limit = lua_tointeger(L, LIMIT);
    if (lua_isstring(L, 1) && tsp_limits_nofile() != limit) {
        lua_pushfstring(L, "ulimit -Sn %I; ", (LUAI_UACINT)limit);
        lua_pushvalue(L, 1);
        lua_concat(L, 2);
        lua_replace(L, 1);
    }
    lua_pushvalue(L, ORIGINAL);
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* Arguments are checked here, where an error finds the caller's line.
 * os.execute([command]) -> as Lua's own */
static int shell_execute(lua_State *L)
{
    (void)luaL_optstring(L, 1, NULL);
    return call_original(L);
}

/* io.popen(command [, "r"|"w"]) -> as Lua's own */
static int shell_popen(lua_State *L)
{
    static const char *const modes[] = {"r", "w", NULL};
    (void)luaL_checkstring(L, 1);
    (void)luaL_checkoption(L, 2, "r", modes);
    return call_original(L);
}

static void mend(lua_State *L, const char *library, const char *name, lua_CFunction function)
{
    lua_getglobal(L, library);
    lua_getfield(L, -1, name);
    lua_pushinteger(L, tsp_limits_nofile());
    lua_pushcclosure(L, function, 2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

void tsp_lua_mend_shell(lua_State *L)
{
    mend(L, "os", "execute", shell_execute);
    mend(L, "io", "popen", shell_popen);
}
