/* lua_shell.h - os.execute and io.popen: commands that know nothing of tspam's own limits. */
#ifndef TSP_BIND_LUA_SHELL_H
#define TSP_BIND_LUA_SHELL_H

#include <lua.h>

/* Once, after Lua's libraries were opened and before a run or a server raises the limit
 * of open files: commands keep the limit of this moment. */
void tsp_lua_mend_shell(lua_State *L);

#endif
