typedef int tsp_stub_server_session;
