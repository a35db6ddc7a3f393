/* lua_lib.h - everything Lua gets from tspam. */
#ifndef TSP_BIND_LUA_LIB_H
#define TSP_BIND_LUA_LIB_H

#include <lua.h>

#include "base/err.h"

/* Readies the process: standard streams, signals. Main thread, first of all. */
int tsp_lua_prepare(struct tsp_err *err);

/* Opens the standard libraries, makes the table tspam (a global, and what
 * require "tspam" returns), and lets require find the embedded modules. May
 * raise: call it protected. */
void tsp_lua_open(lua_State *L);

#endif
