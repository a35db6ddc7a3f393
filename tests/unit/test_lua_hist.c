#include "bind/lua_hist.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>

#include "support/cmocka_all.h"
#include "support/failing_alloc.h"

static int lua_allocations_left = -1; /* of Lua itself, until one fails; -1 = none does */

static void *lua_alloc(void *user, void *block, size_t old, size_t size)
{
    (void)user;
    (void)old;
    if (size == 0) {
        __real_free(block);
        return NULL;
    }
    bool grows = !block || size > old;
    if (grows && lua_allocations_left == 0)
        return NULL;
    lua_allocations_left -= grows && lua_allocations_left > 0;
    return realloc(block, size);
}

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

/* The text is C's until Lua has its copy: where Lua has no room, it is freed. */
static void text_that_lua_has_no_room_for_is_not_leaked(void **state)
{
    lua_State *L = *state;
    runs(L, "h = histogram.new()\n"
            "for i = 1, 1000 do h:record(i / 997) end\n"
            "encode = h.encode");
    lua_Alloc usual = lua_getallocf(L, NULL);
    lua_gc(L, LUA_GCCOLLECT);
    int failures = 0, status = LUA_ERRMEM, before = live_blocks;
    lua_setallocf(L, lua_alloc, NULL);
    for (int n = 0; status != LUA_OK && n < 100; n++) {
        lua_getglobal(L, "encode");
        lua_getglobal(L, "h");
        lua_allocations_left = n;
        status = lua_pcall(L, 1, 1, 0);
        lua_allocations_left = -1;
        failures += status == LUA_ERRMEM;
        lua_pop(L, 1);
        assert_int_equal(live_blocks, before);
    }
    lua_setallocf(L, usual, NULL);
    assert_int_equal(status, LUA_OK);
    assert_true(failures > 0);
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
        cmocka_unit_test_setup_teardown(text_that_lua_has_no_room_for_is_not_leaked, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(decoding_without_memory_is_a_failure_not_a_misuse, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(dropped_histograms_are_collected_as_they_pile_up, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("lua_hist", tests, NULL, NULL);
}
