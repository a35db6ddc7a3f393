/* lua_result.h - results of the C side as Lua tables. */
#ifndef TSP_BIND_LUA_RESULT_H
#define TSP_BIND_LUA_RESULT_H

#include <lua.h>

#include "client/result.h"
#include "client/spec.h"

/* Pushes an empty result whose memory Lua's collector frees: made before
 * anything that can raise. */
struct tsp_result *tsp_lua_new_result(lua_State *L);

/* Pushes the table of API.md, section "result". The histograms are copies. */
void tsp_lua_push_result(lua_State *L, struct tsp_result *r);

/* Pushes {time=, started=, ok=, failed=, open=, p50=, p99=, max=, lag_p99=}. */
void tsp_lua_push_interval(lua_State *L, const struct tsp_interval *interval);

/* Pushes a list of {severity=, what=, have=, need=, remedy=, effect=}. */
void tsp_lua_push_findings(lua_State *L, const struct tsp_findings *f, int least_severity);

/* Pushes the members a spec has, by the names of its fields; times in seconds. */
void tsp_lua_push_spec(lua_State *L, const struct tsp_field *fields, const void *spec);

#endif
