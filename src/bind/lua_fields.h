/* lua_fields.h - an argument table of a Lua call -> a plain struct, by a table
 * of fields (base/field.h). */
#ifndef TSP_BIND_LUA_FIELDS_H
#define TSP_BIND_LUA_FIELDS_H

#include <lua.h>

#include "base/err.h"
#include "base/field.h"

/* Reads the table at arg into spec. Unknown fields, wrong types and values out
 * of range raise "who: field 'x': …" at the caller's line. Pushes one value that
 * keeps what spec points to alive: leave it on the stack while spec is used. */
void tsp_lua_read_fields(lua_State *L, int arg, const char *who, const struct tsp_field *fields,
                         void *spec);

/* Raises "who: message" at the caller's line. */
int tsp_lua_misuse(lua_State *L, const char *who, const char *message);

/* Pushes nil, message, errno; returns 3. */
int tsp_lua_push_failure(lua_State *L, const struct tsp_err *err);

#endif
