-- Behind loss: how many connections were slowed, from the latency histogram itself.
--   tspam shares.lua HOST RATE SECONDS SLOW FILE       SLOW: seconds that count as slowed
local json = require "dkjson"

local host, rate, seconds, slow, path = table.unpack(arg)

local result = assert(tspam.run {
  host = host,
  rate = tonumber(rate),
  length = tonumber(seconds),
  content = "ping",
  expect = 4,
})

local function above(bound)
  return result.service:count_between(bound, 3600)
end

local file = assert(io.open(path, "w"))
file:write(json.encode {
  due = result.due,
  ok = result.ok,
  retransmitted = result.retransmitted,
  slowed = above(tonumber(slow)),
  second = above(0.9),
  p50 = result.service:percentile(50),
}, "\n")
file:close()
