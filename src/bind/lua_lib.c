#include "bind/lua_lib.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/place.h"
#include "base/terminal.h"
#include "bind/commit.h"
#include "bind/embedded.h"
#include "bind/lua_hist.h"
#include "bind/lua_run.h"
#include "bind/lua_server.h"
#include "bind/lua_shell.h"
#include "bind/lua_sys.h"
#include "net/pacer.h"

/* package.searchers entry: require "tspam.x" -> the module in the executable. */
static int search_embedded(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    for (const struct tsp_embedded *e = tsp_embedded; e->name; e++) {
        if (strcmp(e->name, name) != 0)
            continue;
        lua_pushfstring(L, "@%s", e->file);
        if (luaL_loadbuffer(L, (const char *)e->text, e->size, lua_tostring(L, -1)) != LUA_OK)
            return lua_error(L);
        lua_pushfstring(L, "embedded:%s", e->file);
        return 2;
    }
    lua_pushfstring(L, "no embedded module '%s'", name);
    return 1;
}

/* tspam.modules() -> { {name=, file=, text=}, ... }: the modules in the executable */
static int lib_modules(lua_State *L)
{
    lua_newtable(L);
    lua_Integer n = 0;
    for (const struct tsp_embedded *e = tsp_embedded; e->name; e++) {
        lua_createtable(L, 0, 3);
        lua_pushstring(L, e->name);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, e->file);
        lua_setfield(L, -2, "file");
        lua_pushlstring(L, (const char *)e->text, e->size);
        lua_setfield(L, -2, "text");
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

/* Before the search along the path, so that a stray ./tspam is no surprise; after
 * it where the user has set LUA_PATH: that is how modules are overridden. */
static void add_searcher(lua_State *L)
{
    bool overridden = getenv("LUA_PATH") || getenv("LUA_PATH_5_4");
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchers");
    lua_Integer n = luaL_len(L, -1);
    lua_Integer at = overridden ? n + 1 : 2;
    for (lua_Integer i = n; i >= at; i--) {
        lua_rawgeti(L, -1, i);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushcfunction(L, search_embedded);
    lua_rawseti(L, -2, at);
    lua_pop(L, 2);
}

static void add_versions(lua_State *L)
{
    lua_pushliteral(L, TSPAM_VERSION);
    lua_setfield(L, -2, "version");
    lua_newtable(L);
    lua_pushliteral(L, TSPAM_VERSION);
    lua_setfield(L, -2, "tspam");
    lua_pushliteral(L, LUA_VERSION_MAJOR "." LUA_VERSION_MINOR "." LUA_VERSION_RELEASE);
    lua_setfield(L, -2, "lua");
    lua_pushstring(L, tsp_ev_version());
    lua_setfield(L, -2, "libev");
    lua_pushstring(L, tsp_commit);
    lua_setfield(L, -2, "commit");
    lua_setfield(L, -2, "versions");
}

static void add_places(lua_State *L)
{
    char path[TSP_PATH];
    if (tsp_place_executable(path))
        lua_pushstring(L, path);
    else
        lua_pushnil(L);
    lua_setfield(L, -2, "executable");
    if (tsp_place_scripts(path))
        lua_pushstring(L, path);
    else
        lua_pushnil(L);
    lua_setfield(L, -2, "scripts");
}

static int open_tspam(lua_State *L)
{
    lua_newtable(L);
    add_versions(L);
    add_places(L);
    lua_pushcfunction(L, lib_modules);
    lua_setfield(L, -2, "modules");
    tsp_luaopen_hist(L);
    lua_setfield(L, -2, "histogram");
    tsp_luaopen_server(L);
    lua_setfield(L, -2, "server");
    tsp_lua_add_run(L);
    tsp_lua_add_sys(L);
    return 1;
}

int tsp_lua_prepare(struct tsp_err *err)
{
    tsp_terminal_keep_streams();
    return tsp_interrupt_install(err);
}

void tsp_lua_open(lua_State *L)
{
    luaL_openlibs(L);
    tsp_lua_mend_shell(L);
    add_searcher(L);
    luaL_requiref(L, "tspam", open_tspam, 1);
    lua_pop(L, 1);
}
