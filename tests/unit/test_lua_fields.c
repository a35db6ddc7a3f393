#include "bind/lua_fields.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka_all.h"

struct spec {
    const char *host;
    struct tsp_data content;
    double rate;
    int64_t timeout_ns, count, size;
    bool nat;
    int close;
    struct tsp_ports port;
    struct tsp_strings local_ips;
    struct tsp_stage_list stages;
};

#define AT(member) offsetof(struct spec, member)

/* clang-format off */
static const struct tsp_field fields[] = {
    {"host",        TSP_FIELD_STRING,   AT(host),       "127.0.0.1", 0,    0,     "to",    NULL},
    {"content",     TSP_FIELD_DATA,     AT(content),    NULL,        0,    0,     "bytes", NULL},
    {"rate",        TSP_FIELD_RATE,     AT(rate),       NULL,        1e-3, 1e7,   "per s", NULL},
    {"timeout",     TSP_FIELD_TIME,     AT(timeout_ns), "30s",       1e-3, 1e4,   "limit", NULL},
    {"count",       TSP_FIELD_COUNT,    AT(count),      NULL,        1,    1e12,  "many",  NULL},
    {"size",        TSP_FIELD_SIZE,     AT(size),       NULL,        1,    1e12,  "bytes", NULL},
    {"nat",         TSP_FIELD_BOOL,     AT(nat),        NULL,        0,    0,     "nat",   NULL},
    {"close",       TSP_FIELD_CHOICE,   AT(close),  "half",  0, 0,   "how", "half|reset"},
    {"port",        TSP_FIELD_PORTS,    AT(port),       "2345",      1,    65535, "port",  NULL},
    {"local_ips",   TSP_FIELD_STRINGS,  AT(local_ips),  NULL,        0,    0,     "from",  NULL},
    {"stages",      TSP_FIELD_STAGES,   AT(stages),     NULL,        0,    0,     "steps", NULL},
    {"on_interval", TSP_FIELD_CALLBACK, 0,              NULL,        0,    0,     "calls", NULL},
    {0},
};
/* clang-format on */

static struct spec spec;
static void (*check)(void);

/* tspam.run{...}: reads, and lets the check look at what was read after all
 * garbage is collected. */
static int run(lua_State *L)
{
    memset(&spec, 0xa5, sizeof spec);
    tsp_lua_read_fields(L, 1, "tspam.run", fields, &spec);
    lua_gc(L, LUA_GCCOLLECT);
    if (check)
        check();
    return 0;
}

static int refuse(lua_State *L)
{
    return tsp_lua_misuse(L, "tspam.run", "rate and concurrency exclude each other");
}

static int fail_call(lua_State *L)
{
    (void)L;
    return tsp_lua_push_failure(L, &(struct tsp_err){.code = EADDRINUSE, .msg = "bind: in use"});
}

static int setup(void **state)
{
    lua_State *L = luaL_newstate();
    *state = L;
    check = NULL;
    luaL_openlibs(L);
    lua_register(L, "run", run);
    lua_register(L, "refuse", refuse);
    lua_register(L, "fail", fail_call);
    return 0;
}

static int teardown(void **state)
{
    lua_close(*state);
    return 0;
}

/* Runs a piece of Lua; its error or NULL, until the next piece. */
static const char *error_of(lua_State *L, const char *text)
{
    lua_settop(L, 0);
    int rc = luaL_loadbuffer(L, text, strlen(text), "@script.lua");
    if (rc == LUA_OK)
        rc = lua_pcall(L, 0, LUA_MULTRET, 0);
    return rc == LUA_OK ? NULL : lua_tostring(L, -1);
}

static void runs(lua_State *L, const char *text, void (*then)(void))
{
    check = then;
    const char *error = error_of(L, text);
    check = NULL;
    if (error)
        fail_msg("%s", error);
}

static void defaults_are_stored(void)
{
    assert_string_equal(spec.host, "127.0.0.1");
    assert_null(spec.content.bytes);
    assert_true(spec.rate == TSP_UNSET);
    assert_int_equal(spec.timeout_ns, INT64_C(30000000000));
    assert_true(spec.count == TSP_UNSET);
    assert_false(spec.nat);
    assert_int_equal(spec.close, 0);
    assert_int_equal(spec.port.lo, 2345);
    assert_int_equal(spec.local_ips.count, 0);
    assert_int_equal(spec.stages.count, 0);
}

static void what_is_not_given_gets_its_default(void **state)
{
    runs(*state, "run {}", defaults_are_stored);
}

static void numbers_are_stored(void)
{
    assert_true(spec.rate == 2.5);
    assert_int_equal(spec.timeout_ns, 250000000);
    assert_int_equal(spec.count, 5000);
    assert_int_equal(spec.size, 65536);
    assert_int_equal(spec.port.lo, 80);
    assert_int_equal(spec.port.hi, 80);
}

static void numbers_may_be_written_as_numbers_or_with_units(void **state)
{
    runs(*state, "run {rate=2.5, timeout=0.25, count=5000, size=65536, port=80}",
         numbers_are_stored);
    runs(*state, "run {rate='2.5', timeout='250ms', count='5k', size='64K', port='80'}",
         numbers_are_stored);
    runs(*state, "run {rate=2.5, timeout=0.25, count=5000.0, size=65536.0, port=80.0}",
         numbers_are_stored);
}

static void others_are_stored(void)
{
    assert_string_equal(spec.host, "::1");
    assert_int_equal(spec.content.len, 4);
    assert_memory_equal(spec.content.bytes, "a\0b", 4);
    assert_true(spec.nat);
    assert_int_equal(spec.close, 1);
    assert_int_equal(spec.port.lo, 2345);
    assert_int_equal(spec.port.hi, 2354);
    assert_int_equal(spec.local_ips.count, 2);
    assert_string_equal(spec.local_ips.item[0], "10.0.0.1");
    assert_string_equal(spec.local_ips.item[1], "10.1.0.0/16");
}

/* The strings are made at run time and have no other owner. */
static void strings_and_lists_outlive_a_collection(void **state)
{
    runs(*state,
         "local function s(a, b) return a .. b end\n"
         "local defaults = {__index = function(_, k) if k == 'host' then return s('::', '1') end "
         "end}\n"
         "run(setmetatable({content=s('a\\0', 'b\\0'), nat=true, close='reset',\n"
         "  port='2345-2354', local_ips={s('10.0.', '0.1'), s('10.1', '.0.0/16')},\n"
         "  on_interval=print}, defaults))",
         others_are_stored);
}

static void one_address_is_stored(void)
{
    assert_int_equal(spec.local_ips.count, 1);
    assert_string_equal(spec.local_ips.item[0], "10.0.0.1");
}

static void one_string_is_a_list_of_one(void **state)
{
    runs(*state, "run {local_ips='10.0.0.1'}", one_address_is_stored);
}

static void stages_are_stored(void)
{
    assert_int_equal(spec.stages.count, 3);
    assert_true(spec.stages.item[0].rate == 25000);
    assert_true(spec.stages.item[0].rate_to == TSP_UNSET);
    assert_int_equal(spec.stages.item[0].length_ns, INT64_C(2000000000));
    assert_true(spec.stages.item[1].rate == 0);
    assert_true(spec.stages.item[1].rate_to == 9.5);
    assert_int_equal(spec.stages.item[1].length_ns, 500000000);
    assert_true(spec.stages.item[2].rate_to == 0);
}

static void stages_are_read_in_order(void **state)
{
    runs(*state,
         "run {stages={{rate='25k', length=2}, {rate=0, rate_to=9.5, length='500ms'},\n"
         "  {rate=1, rate_to=0, length=1}}}",
         stages_are_stored);
}

static const struct {
    const char *text, *error;
} misuse[] = {
    {"\n\nrun {rat=5}", "script.lua:3: tspam.run: unknown field 'rat' (did you mean 'rate'?)"},
    {"run {zzzzzz=5}", "script.lua:1: tspam.run: unknown field 'zzzzzz'"},
    {"run {['rate\\0x']=5}",
     "script.lua:1: tspam.run: unknown field 'rate' (did you mean 'rate'?)"},
    {"run {5}", "script.lua:1: tspam.run: names of fields expected, got a key of type number"},
    {"run {[true]=5}",
     "script.lua:1: tspam.run: names of fields expected, got a key of type boolean"},
    {"run {rate=true}", "script.lua:1: tspam.run: field 'rate': number or string like \"25k\" "
                        "expected, got boolean"},
    {"run {rate='25q'}", "script.lua:1: tspam.run: field 'rate': number or string like "
                         "\"25k\" expected, got '25q'"},
    {"run {rate=0/0}", "script.lua:1: tspam.run: field 'rate': must be finite, got nan"},
    {"run {rate=1/0}", "script.lua:1: tspam.run: field 'rate': must be finite, got inf"},
    {"run {timeout=-1/0}", "script.lua:1: tspam.run: field 'timeout': must be finite, got -inf"},
    {"run {rate=2e7}", "script.lua:1: tspam.run: field 'rate': must be 0.001 .. 10M, got "
                       "20000000"},
    {"run {rate='5\\0'}", "script.lua:1: tspam.run: field 'rate': must not contain a NUL byte"},
    {"run {count=2.5}", "script.lua:1: tspam.run: field 'count': whole number or string like "
                        "\"5k\" expected, got '2.5'"},
    {"run {host=5}", "script.lua:1: tspam.run: field 'host': string expected, got number"},
    {"run {host='a\\0b'}", "script.lua:1: tspam.run: field 'host': must not contain a NUL byte"},
    {"run {content={}}", "script.lua:1: tspam.run: field 'content': string expected, got table"},
    {"run {nat=1}", "script.lua:1: tspam.run: field 'nat': boolean expected, got number"},
    {"run {close='rst'}",
     "script.lua:1: tspam.run: field 'close': \"half\" or \"reset\" expected, got 'rst'"},
    {"run {close=false}",
     "script.lua:1: tspam.run: field 'close': \"half\" or \"reset\" expected, got boolean"},
    {"run {port=70000}", "script.lua:1: tspam.run: field 'port': must be 1 .. 65535, got 70000"},
    {"run {port='9-2'}", "script.lua:1: tspam.run: field 'port': port number or range like "
                         "\"2345-2354\" expected, got '9-2'"},
    {"run {port={}}", "script.lua:1: tspam.run: field 'port': port number or range like "
                      "\"2345-2354\" expected, got table"},
    {"run {on_interval='f'}",
     "script.lua:1: tspam.run: field 'on_interval': function expected, got string"},
    {"run {local_ips=5}", "script.lua:1: tspam.run: field 'local_ips': string or list of "
                          "strings expected, got number"},
    {"run {local_ips={'a', 5}}",
     "script.lua:1: tspam.run: field 'local_ips': [2]: string expected, got number"},
    {"run {local_ips={'a\\0'}}",
     "script.lua:1: tspam.run: field 'local_ips': [1]: must not contain a NUL byte"},
    {"run {local_ips={a='b'}}",
     "script.lua:1: tspam.run: field 'local_ips': must be a list without other keys"},
    {"run {local_ips={'a', nil, 'b', nil, 'c', nil, nil, 'd'}}",
     "script.lua:1: tspam.run: field 'local_ips': must be a list without holes"},
    {"run {stages='x'}", "script.lua:1: tspam.run: field 'stages': list of {rate=, rate_to=, "
                         "length=} expected, got string"},
    {"run {stages={}}", "script.lua:1: tspam.run: field 'stages': must have at least one stage"},
    {"run {stages={{rate=1, length=1}, 7}}",
     "script.lua:1: tspam.run: field 'stages': [2]: table {rate=, rate_to=, length=} "
     "expected, got number"},
    {"run {stages={{rate=1, length=1}, {rate=1, length='x'}}}",
     "script.lua:1: tspam.run: field 'stages': [2].length: number of seconds or string like "
     "\"250ms\" expected, got 'x'"},
    {"run {stages={{rate=1}}}", "script.lua:1: tspam.run: field 'stages': [1].length: is "
                                "missing (how long it lasts)"},
    {"run {stages={{length=1}}}", "script.lua:1: tspam.run: field 'stages': [1].rate: is "
                                  "missing (connections per second)"},
    {"run {stages={{rate=-1, length=1}}}",
     "script.lua:1: tspam.run: field 'stages': [1].rate: must be 0 .. 10M, got -1"},
    {"run {stages={{rate=1, lenght=1}}}", "script.lua:1: tspam.run: field 'stages': [1]: "
                                          "unknown field 'lenght' (did you mean 'length'?)"},
    {"run {stages={{1, 2}}}", "script.lua:1: tspam.run: field 'stages': [1]: names of fields "
                              "expected, got a key of type number"},
    {"refuse()", "script.lua:1: tspam.run: rate and concurrency exclude each other"},
};

static void misuse_is_raised_word_for_word_at_the_callers_line(void **state)
{
    for (size_t i = 0; i < sizeof misuse / sizeof misuse[0]; i++) {
        const char *error = error_of(*state, misuse[i].text);
        if (!error)
            fail_msg("%s: no error", misuse[i].text);
        assert_string_equal(error, misuse[i].error);
    }
}

static void an_argument_that_is_no_table_is_named(void **state)
{
    assert_string_equal(error_of(*state, "run(5)"),
                        "script.lua:1: bad argument #1 to 'run' (table expected, got number)");
    assert_string_equal(error_of(*state, "run()"),
                        "script.lua:1: bad argument #1 to 'run' (table expected, got no value)");
}

static void the_callers_table_is_left_as_it_was(void **state)
{
    assert_null(error_of(*state, "local t = {rate=5, count='5', local_ips={'a'}}\n"
                                 "run(t)\n"
                                 "assert(t.rate == 5 and t.count == '5' and t.host == nil)\n"
                                 "assert(#t.local_ips == 1 and t.local_ips[1] == 'a')"));
}

static void a_failure_is_nil_message_and_errno(void **state)
{
    lua_State *L = *state;
    lua_pushinteger(L, EADDRINUSE);
    lua_setglobal(L, "code");
    assert_null(error_of(L, "local r, message, errno = fail()\n"
                            "assert(r == nil and message == 'bind: in use' and errno == code)"));
}

static int allowed; /* allocations, before every further one fails */

static void *failing(void *ud, void *p, size_t old, size_t size)
{
    (void)ud;
    (void)old;
    if (size == 0) {
        free(p);
        return NULL;
    }
    bool shrinks = p && size <= old;
    if (!shrinks && allowed == 0)
        return NULL;
    allowed -= !shrinks && allowed > 0;
    return realloc(p, size);
}

/* Fails each allocation in turn: the error is Lua's own, and nothing that was
 * taken stays behind (the address sanitizer looks after lua_close). */
static void running_out_of_memory_anywhere_raises_and_leaks_nothing(void **state)
{
    (void)state;
    static const char text[] = "run {host='h', content='c', local_ips={'a', 'b'},\n"
                               "  stages={{rate=1, length=1}, {rate=2, length='1s'}}}";
    int failures = 0;
    for (int n = 0; n < 400; n++) {
        allowed = -1;
        lua_State *L = lua_newstate(failing, NULL);
        lua_register(L, "run", run);
        assert_int_equal(luaL_loadstring(L, text), LUA_OK);
        lua_gc(L, LUA_GCSTOP);
        allowed = n;
        int rc = lua_pcall(L, 0, 0, 0);
        allowed = -1;
        assert_true(rc == LUA_OK || rc == LUA_ERRMEM);
        failures += rc == LUA_ERRMEM;
        lua_close(L);
    }
    assert_true(failures > 5 && failures < 400);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_given_gets_its_default, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_may_be_written_as_numbers_or_with_units, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(strings_and_lists_outlive_a_collection, setup, teardown),
        cmocka_unit_test_setup_teardown(one_string_is_a_list_of_one, setup, teardown),
        cmocka_unit_test_setup_teardown(stages_are_read_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(misuse_is_raised_word_for_word_at_the_callers_line, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_argument_that_is_no_table_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(the_callers_table_is_left_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_is_nil_message_and_errno, setup, teardown),
        cmocka_unit_test(running_out_of_memory_anywhere_raises_and_leaks_nothing),
    };
    return cmocka_run_group_tests_name("lua_fields", tests, NULL, NULL);
}
