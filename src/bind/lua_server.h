/* lua_server.h - tspam.server{…}: a server as a Lua object. */
#ifndef TSP_BIND_LUA_SERVER_H
#define TSP_BIND_LUA_SERVER_H

#include <lua.h>

/* Makes the type; pushes the function tspam.server. */
int tsp_luaopen_server(lua_State *L);

/* How many servers started by this state are running: a connection to one of
 * them takes two descriptors of this process. */
lua_Integer tsp_lua_servers_running(lua_State *L);

#endif
