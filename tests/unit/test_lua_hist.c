#include "bind/lua_hist.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>

#include "support/cmocka_all.h"
#include "support/failing_alloc.h"

/* fail_after(n): the allocation after n more fails; -1 = none. */
static int fail_after(lua_State *L)
{
    allocations_left = (int)luaL_checkinteger(L, 1);
    return 0;
}

static int setup(void **state)
{
    lua_State *L = luaL_newstate();
    *state = L;
    luaL_openlibs(L);
    tsp_luaopen_hist(L);
    lua_setglobal(L, "histogram");
    lua_register(L, "fail_after", fail_after);
    lua_pushinteger(L, ENOMEM);
    lua_setglobal(L, "ENOMEM");
    return 0;
}

static int teardown(void **state)
{
    lua_close(*state);
    return live_blocks;
}

static void runs(lua_State *L, const char *text)
{
    int rc = luaL_dostring(L, text);
    allocations_left = -1;
    if (rc != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
}

static void what_c_pushes_is_what_c_gets_back(void **state)
{
    lua_State *L = *state;
    struct tsp_hist *h = tsp_lua_push_hist(L);
    tsp_hist_record(h, 1500000);
    assert_ptr_equal(tsp_lua_to_hist(L, -1), h);
    lua_setglobal(L, "h");
    runs(L, "assert(#h == 1 and h:max() == 0.0015)");
}

static void running_out_of_memory_raises_and_leaks_nothing(void **state)
{
    runs(*state, "local h = histogram.new():record(1)\n"
                 "local function raises(n, f)\n"
                 "  fail_after(n)\n"
                 "  local ok, message = pcall(f)\n"
                 "  fail_after(-1)\n"
                 "  assert(not ok and message:find('not enough memory for a histogram', 1, true)\n"
                 "    or message:find('not enough memory to encode', 1, true), message)\n"
                 "end\n"
                 "raises(0, function() histogram.new() end)\n"
                 "raises(0, function() h:copy() end)\n"
                 "for n = 0, 2 do raises(n, function() h:encode() end) end\n"
                 "collectgarbage()\n"
                 "assert(#h == 1)");
}

static void decoding_without_memory_is_a_failure_not_a_misuse(void **state)
{
    runs(*state, "local text = histogram.new():encode()\n"
                 "for n = 0, 2 do\n"
                 "  fail_after(n)\n"
                 "  local h, message, errno = histogram.decode(text)\n"
                 "  fail_after(-1)\n"
                 "  assert(h == nil and errno == ENOMEM and #message > 0)\n"
                 "end\n");
}

/* Lua sees a pointer where there are 264 KiB. */
static void dropped_histograms_are_collected_as_they_pile_up(void **state)
{
    lua_State *L = *state;
    lua_gc(L, LUA_GCCOLLECT);
    int most = 0;
    for (int i = 0; i < 2000; i++) {
        tsp_lua_push_hist(L);
        lua_pop(L, 1);
        most = live_blocks > most ? live_blocks : most;
    }
    assert_true(most < 100);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_c_pushes_is_what_c_gets_back, setup, teardown),
        cmocka_unit_test_setup_teardown(running_out_of_memory_raises_and_leaks_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(decoding_without_memory_is_a_failure_not_a_misuse, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(dropped_histograms_are_collected_as_they_pile_up, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("lua_hist", tests, NULL, NULL);
}
