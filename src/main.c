/* tspam: starts Lua, hands the command line to the module tspam.command, and
 * makes its answer the exit status. */
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>

#include "bind/lua_lib.h"

struct args {
    int argc;
    char **argv;
};

static int traceback(lua_State *L)
{
    const char *message = luaL_tolstring(L, 1, NULL);
    luaL_traceback(L, L, message, 1);
    return 1;
}

/* Everything, opening the libraries included, in one protected call. */
static int program(lua_State *L)
{
    const struct args *args = lua_touserdata(L, 1);
    tsp_lua_open(L);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "tspam.command");
    lua_call(L, 1, 1);
    lua_createtable(L, args->argc, 1);
    for (int i = 0; i < args->argc; i++) {
        lua_pushstring(L, args->argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_call(L, 1, 1);
    return 1;
}

static int complain(const char *message)
{
    fprintf(stderr, "tspam: %s\n", message ? message : "(error object is not a string)");
    return EXIT_FAILURE;
}

static int status_of(lua_State *L, struct args *args)
{
    lua_pushcfunction(L, traceback);
    lua_pushcfunction(L, program);
    lua_pushlightuserdata(L, args);
    if (lua_pcall(L, 1, 1, 1) != LUA_OK)
        return complain(lua_tostring(L, -1));
    return lua_isinteger(L, -1) ? (int)lua_tointeger(L, -1) : EXIT_SUCCESS;
}

/* Percent of what is in use at which garbage is collected again. Lua's own 200 lets a
 * long run's memory double before it falls; scripts here allocate little. */
#define GC_PAUSE 110

int main(int argc, char **argv)
{
    struct args args = {argc, argv};
    struct tsp_err err = {0};
    if (tsp_lua_prepare(&err))
        return complain(err.msg);
    lua_State *L = luaL_newstate();
    if (!L)
        return complain("not enough memory to start Lua");
    lua_gc(L, LUA_GCINC, GC_PAUSE, 0, 0);
    int status = status_of(L, &args);
    (void)fflush(stdout); /* to close may take long: what an interrupt aborted is closed then */
    lua_close(L);
    /* What print could not write is lost without an error in Lua. */
    if ((fflush(stdout) || ferror(stdout)) && status != EXIT_FAILURE)
        return complain("cannot write to stdout: the result is incomplete");
    return status;
}
