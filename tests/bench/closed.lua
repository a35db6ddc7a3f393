-- One closed loop of tspam against tspam, for run.sh; prints one JSON line like floor's.
--   tspam closed.lua PORT SECONDS THREADS REQUEST ANSWER [coalesce]
-- PORT 0: a server in this process. REQUEST, ANSWER: sizes in bytes.
local json = require "dkjson"

local port, seconds, threads, request, answer = table.unpack(arg)
local from = tspam.usage()
local server <close> = port == "0" and assert(tspam.server {
  listen = "127.0.0.1",
  port = 0,
  acceptors = tonumber(threads),
  content = ("a"):rep(tonumber(answer)),
  coalesce_fin = arg[6] == "coalesce",
}) or nil

local result = assert(tspam.run {
  port = server and server.port or tonumber(port),
  concurrency = 64,
  length = tonumber(seconds),
  workers = tonumber(threads),
  content = ("r"):rep(tonumber(request)),
  expect = tonumber(answer),
  coalesce_fin = arg[6] == "coalesce",
})
local to = tspam.usage()

print(json.encode({
  connections = result.ok,
  failed = result.failed,
  per_second = result.ok / result.elapsed,
  user = to.user - from.user,
  system = to.system - from.system,
}, { keyorder = { "connections", "failed", "per_second", "user", "system" } }))
