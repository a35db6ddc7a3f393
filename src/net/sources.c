typedef int tsp_stub_net_sources;
