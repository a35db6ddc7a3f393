#include "bind/lua_fields.h"

#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <string.h>

/* Where a value goes and what an error calls it. */
struct place {
    const char *who;  /* "tspam.run" */
    const char *list; /* "stages" when f is a field of one of its items, else NULL */
    lua_Integer item; /* which, from 1 */
    const struct tsp_field *fields;
    void *spec;
    int anchor; /* stack index of a table: what is in it outlives the reading */
};

#define STAGE(member) offsetof(struct tsp_field_stage, member)

/* clang-format off */
static const struct tsp_field stage_fields[] = {
    {"rate",    TSP_FIELD_RATE, STAGE(rate),      NULL, 0,    1e7, "connections per second", NULL},
    {"rate_to", TSP_FIELD_RATE, STAGE(rate_to),   NULL, 0,    1e7, "rate at its end",        NULL},
    {"length",  TSP_FIELD_TIME, STAGE(length_ns), NULL, 1e-3, 1e6, "how long it lasts",      NULL},
    {0},
};
/* clang-format on */

int tsp_lua_misuse(lua_State *L, const char *who, const char *message)
{
    return luaL_error(L, "%s: %s", who, message);
}

int tsp_lua_push_failure(lua_State *L, const struct tsp_err *err)
{
    lua_pushnil(L);
    lua_pushstring(L, err->msg);
    lua_pushinteger(L, err->code);
    return 3;
}

static int wrong_field(lua_State *L, const struct place *p, const char *field, const char *message)
{
    if (p->list)
        return luaL_error(L, "%s: field '%s': [%I].%s: %s", p->who, p->list, (LUAI_UACINT)p->item,
                          field, message);
    return luaL_error(L, "%s: field '%s': %s", p->who, field, message);
}

/* About item i of the list that field is. */
static int wrong_item(lua_State *L, const struct place *p, const char *field, lua_Integer i,
                      const char *message)
{
    return luaL_error(L, "%s: field '%s': [%I]: %s", p->who, field, (LUAI_UACINT)i, message);
}

static int unknown_field(lua_State *L, const struct place *p, const char *name)
{
    const struct tsp_field *near = tsp_field_nearest(p->fields, name);
    const char *hint = near ? lua_pushfstring(L, " (did you mean '%s'?)", near->name) : "";
    if (p->list)
        return luaL_error(L, "%s: field '%s': [%I]: unknown field '%s'%s", p->who, p->list,
                          (LUAI_UACINT)p->item, name, hint);
    return luaL_error(L, "%s: unknown field '%s'%s", p->who, name, hint);
}

/* table: of the user's, never written to. Raw: what a metatable offers in
 * addition (defaults, say) cannot be listed. */
static void refuse_unknown(lua_State *L, const struct place *p, int table)
{
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            const char *got = lua_pushfstring(L, "names of fields expected, got a key of type %s",
                                              luaL_typename(L, -2));
            if (p->list)
                wrong_item(L, p, p->list, p->item, got);
            else
                tsp_lua_misuse(L, p->who, got);
        }
        size_t len;
        const char *name = lua_tolstring(L, -2, &len);
        if (strlen(name) != len || !tsp_field_find(p->fields, name))
            unknown_field(L, p, name);
    }
}

static const char *expected(lua_State *L, const char *what, int value)
{
    return lua_pushfstring(L, "%s expected, got %s", what, luaL_typename(L, value));
}

static int wrong_type(lua_State *L, const struct place *p, const struct tsp_field *f, int value)
{
    return wrong_field(L, p, f->name, expected(L, tsp_field_wants(f), value));
}

/* Keeps the value on top of the stack for as long as the spec, and pops it. */
static void keep(lua_State *L, const struct place *p)
{
    lua_rawseti(L, p->anchor, (lua_Integer)lua_rawlen(L, p->anchor) + 1);
}

/* Zeroed memory that lives as long as the spec. */
static void *keep_block(lua_State *L, const struct place *p, size_t count, size_t size)
{
    void *block = lua_newuserdatauv(L, count * size, 0);
    memset(block, 0, count * size);
    keep(L, p);
    return block;
}

/* The string at value (really a string), which lives as long as the spec. */
static const char *keep_string(lua_State *L, const struct place *p, int value, size_t *len)
{
    lua_pushvalue(L, value);
    keep(L, p);
    return lua_tolstring(L, value, len);
}

static void *member(const struct place *p, const struct tsp_field *f)
{
    return (char *)p->spec + f->at;
}

/* C's functions would see the part before the NUL only. */
static const char *text_without_nul(lua_State *L, const struct place *p, const struct tsp_field *f,
                                    int value)
{
    size_t len;
    const char *text = keep_string(L, p, value, &len);
    if (strlen(text) != len)
        wrong_field(L, p, f->name, "must not contain a NUL byte");
    return text;
}

static void store_text(lua_State *L, const struct place *p, const struct tsp_field *f, int value)
{
    struct tsp_err err = {0};
    if (lua_type(L, value) != LUA_TSTRING)
        wrong_type(L, p, f, value);
    else if (tsp_field_store_text(f, text_without_nul(L, p, f, value), p->spec, &err))
        wrong_field(L, p, f->name, err.msg);
}

static void store_number(lua_State *L, const struct place *p, const struct tsp_field *f, int value)
{
    struct tsp_err err = {0};
    if (lua_type(L, value) != LUA_TNUMBER) {
        store_text(L, p, f, value);
        return;
    }
    lua_Number n = lua_tonumber(L, value);
    if (!isfinite(n))
        wrong_field(L, p, f->name,
                    lua_pushfstring(L, "must be finite, got %s",
                                    isnan(n) ? "nan"
                                    : n < 0  ? "-inf"
                                             : "inf"));
    if (tsp_field_store_number(f, n, p->spec, &err))
        wrong_field(L, p, f->name, err.msg);
}

static void store_data(lua_State *L, const struct place *p, const struct tsp_field *f, int value)
{
    struct tsp_data *data = member(p, f);
    if (lua_type(L, value) != LUA_TSTRING)
        wrong_type(L, p, f, value);
    data->bytes = keep_string(L, p, value, &data->len);
}

static void store_bool(lua_State *L, const struct place *p, const struct tsp_field *f, int value)
{
    if (lua_type(L, value) != LUA_TBOOLEAN)
        wrong_type(L, p, f, value);
    *(bool *)member(p, f) = lua_toboolean(L, value);
}

/* Only checked: who calls it fetches it from the table. */
static void check_callback(lua_State *L, const struct place *p, const struct tsp_field *f,
                           int value)
{
    if (lua_type(L, value) != LUA_TFUNCTION)
        wrong_type(L, p, f, value);
}

/* Items of a list; a table with holes or with other keys is refused. */
static size_t list_length(lua_State *L, const struct place *p, const struct tsp_field *f, int value)
{
    lua_Unsigned keys = 0, length = lua_rawlen(L, value);
    for (lua_pushnil(L); lua_next(L, value); lua_pop(L, 1)) {
        bool in_list = lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1;
        if (!in_list || (lua_Unsigned)lua_tointeger(L, -2) > length)
            wrong_field(L, p, f->name, "must be a list without other keys");
        keys++;
    }
    if (keys != length)
        wrong_field(L, p, f->name, "must be a list without holes");
    return (size_t)length;
}

static const char *string_item(lua_State *L, const struct place *p, const struct tsp_field *f,
                               lua_Integer i)
{
    size_t len;
    int value = lua_gettop(L);
    if (lua_type(L, value) != LUA_TSTRING)
        wrong_item(L, p, f->name, i, expected(L, "string", value));
    const char *text = keep_string(L, p, value, &len);
    if (strlen(text) != len)
        wrong_item(L, p, f->name, i, "must not contain a NUL byte");
    return text;
}

static void store_strings(lua_State *L, const struct place *p, const struct tsp_field *f, int value)
{
    struct tsp_strings *strings = member(p, f);
    bool one = lua_type(L, value) == LUA_TSTRING;
    if (!one && lua_type(L, value) != LUA_TTABLE)
        wrong_type(L, p, f, value);
    size_t count = one ? 1 : list_length(L, p, f, value);
    const char **item = keep_block(L, p, count, sizeof *item);
    if (one)
        item[0] = text_without_nul(L, p, f, value);
    for (size_t i = 0; !one && i < count; i++) {
        lua_rawgeti(L, value, (lua_Integer)i + 1);
        item[i] = string_item(L, p, f, (lua_Integer)i + 1);
        lua_pop(L, 1);
    }
    *strings = (struct tsp_strings){item, count};
}

static void read_table(lua_State *L, const struct place *p, int table);

/* The stage on top of the stack. */
static void read_stage(lua_State *L, const struct place *p)
{
    const struct tsp_field_stage *stage = p->spec;
    int table = lua_gettop(L);
    if (lua_type(L, table) != LUA_TTABLE)
        wrong_item(L, p, p->list, p->item, expected(L, "table {rate=, rate_to=, length=}", table));
    read_table(L, p, table);
    if (stage->rate < 0)
        wrong_field(L, p, "rate", "is missing (connections per second)");
    if (stage->length_ns < 0)
        wrong_field(L, p, "length", "is missing (how long it lasts)");
}

static void store_stages(lua_State *L, const struct place *p, const struct tsp_field *f, int value)
{
    struct tsp_stage_list *stages = member(p, f);
    if (lua_type(L, value) != LUA_TTABLE)
        wrong_type(L, p, f, value);
    size_t count = list_length(L, p, f, value);
    if (count == 0)
        wrong_field(L, p, f->name, "must have at least one stage");
    struct tsp_field_stage *item = keep_block(L, p, count, sizeof *item);
    for (size_t i = 0; i < count; i++) {
        struct place in = *p;
        in.list = f->name;
        in.item = (lua_Integer)i + 1;
        in.fields = stage_fields;
        in.spec = &item[i];
        lua_rawgeti(L, value, in.item);
        read_stage(L, &in);
        lua_pop(L, 1);
    }
    *stages = (struct tsp_stage_list){item, count};
}

typedef void store_value(lua_State *L, const struct place *p, const struct tsp_field *f, int value);

static store_value *const store[] = {
    [TSP_FIELD_STRING] = store_text,   [TSP_FIELD_DATA] = store_data,
    [TSP_FIELD_RATE] = store_number,   [TSP_FIELD_TIME] = store_number,
    [TSP_FIELD_COUNT] = store_number,  [TSP_FIELD_SIZE] = store_number,
    [TSP_FIELD_BOOL] = store_bool,     [TSP_FIELD_CHOICE] = store_text,
    [TSP_FIELD_PORTS] = store_number,  [TSP_FIELD_STRINGS] = store_strings,
    [TSP_FIELD_STAGES] = store_stages, [TSP_FIELD_CALLBACK] = check_callback,
};

static void read_table(lua_State *L, const struct place *p, int table)
{
    int top = lua_gettop(L);
    luaL_checkstack(L, 12, "too many nested calls");
    refuse_unknown(L, p, table);
    for (const struct tsp_field *f = p->fields; f->name; f++) {
        if (lua_getfield(L, table, f->name) == LUA_TNIL)
            tsp_field_store_preset(f, p->spec);
        else
            store[f->type](L, p, f, lua_gettop(L));
        lua_settop(L, top);
    }
}

void tsp_lua_read_fields(lua_State *L, int arg, const char *who, const struct tsp_field *fields,
                         void *spec)
{
    luaL_checktype(L, arg, LUA_TTABLE);
    arg = lua_absindex(L, arg);
    lua_newtable(L);
    struct place p = {.who = who, .fields = fields, .spec = spec, .anchor = lua_gettop(L)};
    read_table(L, &p, arg);
}
