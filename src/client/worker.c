typedef int tsp_stub_client_worker;
