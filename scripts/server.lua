#!/usr/bin/env tspam
-- Answers connections: reads to the end of input, sends its content, closes.
local cli = require "tspam.cli"
local serving = require "tspam.server_job"

local options = cli.parse {
  name = "server",
  about = "Answers connections until Ctrl-C, then prints what it has counted.",
  groups = { "report" },
  { "-l --listen", "text", "address to listen on (repeatable; 0.0.0.0); an IPv6 one is IPv6 only",
    many = true, argname = "ADDR" },
  { "-p --port", "ports", "a port, a range, or 0 for any free one", min = 0, default = "2345",
    argname = "PORT" },
  { "-c --content", "content", "file that each connection is answered with (nothing)",
    argname = "FILE" },
  { "-a --acceptors", "count", "threads (one per CPU)", max = 1024, argname = "N" },
  { "--backlog", "count", "length of the accept queue (what somaxconn allows)",
    max = 1e9, argname = "N" },
  { "--idle-timeout", "time", "ends a connection that made no progress for so long",
    min = 1e-3, max = 1e6, default = "60" },
  { "--total-timeout", "time", "ends a connection that takes longer in all",
    min = 1e-3, max = 1e6, default = "300" },
  { "--max-open", "count", "most connections open at once (what the descriptor limit allows)",
    max = 1e7, argname = "N" },
  { "--max-request", "size", "bytes one connection may send", min = 1, default = "64M" },
  { "--coalesce-fin", "flag", "answer and FIN may share a segment: fewer packets" },
  { "--report-peer", "flag", "send the client's address first (for rate --nat)" },
}

local service <close> = serving.open(options)
while not service:wait() do
  service:complain()
end
service:finish()
return 0, true -- a signal is its normal end
