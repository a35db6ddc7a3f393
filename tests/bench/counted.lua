-- N connections of tspam to tspam, for callgrind:  tspam counted.lua N
local server <close> = assert(tspam.server {
  listen = "127.0.0.1",
  port = 0,
  acceptors = 1,
  content = ("a"):rep(5424),
})
local result = assert(tspam.run {
  port = server.port,
  concurrency = 16,
  count = tonumber(arg[1]),
  workers = 1,
  content = ("r"):rep(68),
})
assert(result.ok == tonumber(arg[1]))
