/* lua_sys.h - what a script may ask the system: time, sleep, names, units. */
#ifndef TSP_BIND_LUA_SYS_H
#define TSP_BIND_LUA_SYS_H

#include <lua.h>

/* Sets now, sleep, interrupted, resolve, terminal, usage and units in the
 * table on top of the stack. */
void tsp_lua_add_sys(lua_State *L);

#endif
