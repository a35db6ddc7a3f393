typedef int tsp_stub_bind_lua_server;
