--- The options that scripts share, in groups. A row is
-- { names, kind, help, as = name in the result, … }; kind "flag" takes no value,
-- the others are in tspam.cli.types. Rows of a group with run = true are fields
-- of tspam.run by their name.

local JSON <const> = {
  "--json", "text", "write the result as JSON; - is stdout, instead of the text", argname = "FILE",
}
local QUIET <const> = { "--quiet", "flag", "no progress and no notes on stderr" }

return {
  target = {
    title = "Target",
    run = true,
    { "-H --host", "host", "name or address; none: a server of our own on loopback (dry run)",
      argname = "HOST" },
    { "-p --port", "ports", "port, or a range used in turn (2345; dry run: a free one)",
      argname = "PORT" },
    { "-4", "flag", "use an IPv4 address of the name", as = "ipv4" },
    { "-6", "flag", "use an IPv6 address of the name", as = "ipv6" },
  },
  payload = {
    title = "What is said",
    run = true,
    { "-c --content", "content", "file that each connection sends (nothing)", argname = "FILE" },
    { "--expect", "size", "bytes the answer must have; fewer is a failure", max = 64 << 20,
      argname = "BYTES" },
    { "--nat", "flag", "tell what a NAT did to addresses and ports (server: --report-peer)" },
    { "--coalesce-fin", "flag", "data and FIN may share a segment: fewer packets" },
  },
  sources = {
    title = "Where from",
    run = true,
    { "-I --local-ip", "local_ip", "source address, range a-b or CIDR (repeatable), used in turn",
      many = true, as = "local_ips", argname = "ADDR" },
    { "--local-ports", "local_ports", argname = "WHO",
      "who picks source ports: kernel, walk (tspam, in turn), a range to walk, or auto" },
  },
  run = {
    title = "How",
    run = true,
    { "-t --timeout", "time", "how long a whole exchange may take (30)", min = 1e-3, max = 1e4,
      argname = "TIME" },
    { "-w --workers", "count", "threads (one per CPU)", max = 1024, argname = "N" },
    { "--hold", "time", "how long a connection stays open before it is closed (0)",
      argname = "TIME" },
    { "--arrivals", "choice", "how connections are spaced: even or poisson (even)",
      choices = { "even", "poisson" } },
    { "--seed", "count", "of poisson arrivals: the same seed, the same times", argname = "N" },
    { "--max-open", "count", "most connections open at once (no limit)", max = 1e7, argname = "N" },
  },
  report = { title = "Result", JSON, QUIET },
  output = {
    title = "Result",
    JSON,
    QUIET,
    { "--require", "requirement", "exit 3 unless it holds, like 'p99<50ms' (repeatable)",
      many = true, argname = "EXPR" },
  },
}
