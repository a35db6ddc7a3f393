/* lua_hist.h - tspam.histogram: a latency histogram as a Lua object.
 *
 * The object owns its histogram; both live until Lua collects it. Values are
 * seconds in Lua, nanoseconds here.
 */
#ifndef TSP_BIND_LUA_HIST_H
#define TSP_BIND_LUA_HIST_H

#include <lua.h>

#include "measure/hist.h"

/* Pushes the table {new, decode}. Once per state, before any of the others. */
int tsp_luaopen_hist(lua_State *L);

/* Pushes a new, empty histogram and returns it; raises when memory is short. */
struct tsp_hist *tsp_lua_push_hist(lua_State *L);

/* The histogram at arg, or a raised "histogram expected". */
struct tsp_hist *tsp_lua_to_hist(lua_State *L, int arg);

#endif
