/* lua_run.h - tspam.run, tspam.start and tspam.doctor. */
#ifndef TSP_BIND_LUA_RUN_H
#define TSP_BIND_LUA_RUN_H

#include <lua.h>

/* Sets run, start and doctor into the table on top of the stack. */
void tsp_lua_add_run(lua_State *L);

#endif
