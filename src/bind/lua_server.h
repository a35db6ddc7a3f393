/* lua_server.h - tspam.server{…}: a server as a Lua object. */
#ifndef TSP_BIND_LUA_SERVER_H
#define TSP_BIND_LUA_SERVER_H

#include <lua.h>

/* Makes the type; pushes the function tspam.server. */
int tsp_luaopen_server(lua_State *L);

#endif
