--- Devices of known truth, for devices_test.lua. A row: name, class, script, arguments, device
-- (a table, or a function of a dice -> a table), truth:
--   rate, kind, burst, connections, entries, lifetime, seconds, bits_per_second
--                            the limit; `kind` as in answer.limit
--   lowest_ok, highest_ok    of a frog: it loses half, and twice, the goal of 0.5 % there
--   stable                   it is unstable above this rate
--   none                     there is no limit to find
--   own                      this machine is the limit: answer.limited_by
--   unknowable               nothing can be known: no sure answer is right
--   held, keeps              capacity: connections held at once; those that an evicting table keeps
--   passes                   soak: does it pass
--   state                    soak: connections that its table takes

local list = {}

local function add(class, script, arguments, row)
  row.class, row.script, row.arguments = class, script, arguments
  row.device = row[2]
  row.name, row.truth = row[1], row[3]
  list[#list + 1] = row
end

local SHORT <const> = { "--length", "3" }
local UP_TO <const> = { "--length", "3", "--max-rate", "4000" }
local FLUSHED <const> = { "--length", "3", "--between", "device flush" }
local HIGH <const> = { "--length", "3", "--start", "1000" }

local function plain(row) add("plain", "saturate", row.arguments or SHORT, row) end

-- Devices as most are: exponential spread, a base of 4 ms.
local J <const> = 0.1

plain { "bucket 300, drop", { jitter = J, bucket = { rate = 300, burst = 5 } },
  { rate = 300, kind = "rate", burst = 5 } }
plain { "bucket 300, RST", { jitter = J, bucket = { rate = 300, burst = 20, refuse = "rst" } },
  { rate = 300, kind = "rate", burst = 20 } }
plain { "bucket 1000, ICMP", { jitter = J, bucket = { rate = 1000, burst = 50, refuse = "icmp" } },
  { rate = 1000, kind = "rate", burst = 50 } }
plain { "bucket 6000", { jitter = J, bucket = { rate = 6000, burst = 100 } },
  { rate = 6000, kind = "rate", burst = 100 } }
plain { "bucket 80", { jitter = J, bucket = { rate = 80, burst = 5 } },
  { rate = 80, kind = "rate", burst = 5 } }
plain { "open 33", { jitter = J, base = 0.06, open = { most = 33 } },
  { rate = 550, kind = "open", connections = 33 } }
plain { "open 100, RST", { jitter = J, base = 0.04, open = { most = 100, refuse = "rst" } },
  { rate = 2500, kind = "open", connections = 100 } }
plain { "server 2 ms, queue", { jitter = J, server = { seconds = 0.002, queue = 0.3 } },
  { rate = 500, kind = "processing", seconds = 0.002 } }
plain { "server 5 ms, endless queue", { jitter = J, server = { seconds = 0.005 } },
  { rate = 200, kind = "processing", seconds = 0.005 } }
plain { "link 2 Mbit/s", { jitter = J, link = { bits_per_second = 2e6, overhead = 272 } },
  { rate = 919.1, kind = "bandwidth", bits_per_second = 2e6 } }
plain { "knee 1000", { jitter = J, knee = { rate = 1000 } }, { rate = 525 } }
plain { "clean", { jitter = J }, { none = true }, arguments = UP_TO }
plain { "clean, wide spread", { jitter = 0.5 }, { none = true }, arguments = UP_TO }
plain { "loss 2 %", { jitter = J, loss = 0.02 }, { none = true }, arguments = UP_TO }
plain { "loss 1 %, bucket 400", { jitter = J, loss = 0.01, bucket = { rate = 400 } },
  { rate = 404, kind = "rate" } } -- what is lost before it takes no token
plain { "loss 3 %, open 60", { jitter = J, base = 0.06, loss = 0.03, open = { most = 60 } },
  { rate = 1031, kind = "open", connections = 60 } }
plain { "retransmits 2 %, server", { jitter = J, loss = 0.02, retransmit = true,
  server = { seconds = 0.002, queue = 0.3 } },
  { rate = 500, kind = "processing", seconds = 0.002 } }
plain { "bucket 300, start 1000", { jitter = J, bucket = { rate = 300, burst = 20 } },
  { rate = 300, kind = "rate", burst = 20 }, arguments = HIGH }
plain { "open 33, start 1000", { jitter = J, base = 0.06, open = { most = 33 } },
  { rate = 550, kind = "open", connections = 33 }, arguments = HIGH }
plain { "server 2 ms, start 1000", { jitter = J, server = { seconds = 0.002, queue = 0.3 } },
  { rate = 500, kind = "processing", seconds = 0.002 }, arguments = HIGH }

local function burst(row) add("burst", "saturate", SHORT, row) end
burst { "bucket 300, burst of 2 s", { jitter = J, bucket = { rate = 300, burst = 600 } },
  { rate = 300, kind = "rate", burst = 600 } }
burst { "bucket 1000, burst of 2 s", { jitter = J, bucket = { rate = 1000, burst = 2000 } },
  { rate = 1000, kind = "rate", burst = 2000 } }

local function frog(row) add("frog", "saturate", SHORT, row) end
frog { "frog, +0.2 % a doubling", { jitter = J, frog = { per_doubling = 0.002, from = 50 } },
  { lowest_ok = 119, highest_ok = 1600 } }
frog { "frog, 5 % at 20k, linear", { jitter = J, frog = { at = 20000, loss = 0.05 } },
  { lowest_ok = 1000, highest_ok = 4000 } }
frog { "frog, +0.5 % a doubling", { jitter = J, frog = { per_doubling = 0.005, from = 100 } },
  { lowest_ok = 141, highest_ok = 400 } }
frog { "frog, 2 % at 4k, retransmits", { jitter = J, frog = { at = 4000, loss = 0.02 },
  retransmit = true }, { lowest_ok = 500, highest_ok = 2000 } }

local function unstable(row) add("unstable", "saturate", SHORT, row) end
unstable { "every other trial bad above 400", { jitter = J, unstable = { above = 400 } },
  { stable = 400 } }
unstable { "every other, 5 % lost", { jitter = J, unstable = { above = 400, share = 0.05 } },
  { stable = 400 } }
unstable { "by a coin above 400", { jitter = J, unstable = { above = 400, kind = "random" } },
  { stable = 400 } }

local function state(row) add("state", "saturate", row.arguments or SHORT, row) end
state { "table 2000, 120 s", { jitter = J, entries = { size = 2000, ttl = 120 } },
  { rate = 2000 / 120, kind = "state", entries = 2000, lifetime = 120 } }
state { "table 2000, 120 s, RST", { jitter = J, entries = { size = 2000, ttl = 120,
  refuse = "rst" } }, { rate = 2000 / 120, kind = "state", entries = 2000, lifetime = 120 } }
state { "table 2000, 120 s, ICMP", { jitter = J, entries = { size = 2000, ttl = 120,
  refuse = "icmp" } }, { rate = 2000 / 120, kind = "state", entries = 2000, lifetime = 120 } }
state { "table 2000, 10 s", { jitter = J, entries = { size = 2000, ttl = 10 } },
  { rate = 200, kind = "state", entries = 2000, lifetime = 10 } }
state { "table 300, 20 s, RST", { jitter = J, entries = { size = 300, ttl = 20,
  refuse = "rst" } }, { rate = 15, kind = "state", entries = 300, lifetime = 20 } }
state { "table 2000, 2 s", { jitter = J, entries = { size = 2000, ttl = 2 } },
  { rate = 1000, kind = "state", entries = 2000, lifetime = 2 } }
state { "table 500, flushed", { jitter = J, entries = { size = 500, ttl = 600 } },
  { kind = "state", entries = 500 }, arguments = FLUSHED }
state { "table 500, flushed, RST", { jitter = J, entries = { size = 500, ttl = 600,
  refuse = "rst" } }, { kind = "state", entries = 500 }, arguments = FLUSHED }
state { "table 5000, flushed", { jitter = J, entries = { size = 5000, ttl = 600 } },
  { kind = "state", entries = 5000 }, arguments = FLUSHED }
state { "table 6000 forgets the oldest", { jitter = J, entries = { size = 6000, ttl = 600,
  evict = true } }, { none = true }, arguments = UP_TO }

local function useless(row) add("useless", "saturate", row.arguments or SHORT, row) end
useless { "all retransmitted, bucket 300", { jitter = J, retransmit_all = {},
  bucket = { rate = 300, burst = 20 } }, { rate = 300 } }
useless { "all retransmitted below 70, bucket 300", { jitter = J, retransmit_all = { below = 70 },
  bucket = { rate = 300, burst = 20 } }, { rate = 300 } }
useless { "all retransmitted", { jitter = J, retransmit_all = {} }, { unknowable = true } }
useless { "all refused", { fail_all = 1 }, { unknowable = true } }
useless { "30 % refused", { jitter = J, fail_all = 0.3 }, { unknowable = true } }

local function own(row) add("own", "saturate", row.arguments or SHORT, row) end
own { "late in every tenth trial, bucket", { jitter = J, generator = { late = 0.1 },
  bucket = { rate = 300, burst = 20 } }, { rate = 300, kind = "rate", burst = 20 } }
own { "late in every tenth trial", { jitter = J, generator = { late = 0.1 } }, { none = true },
  arguments = UP_TO }
own { "generator's ceiling 800", { jitter = J, generator = { ceiling = 800 } },
  { own = "generator" } }
own { "few ports", { jitter = J, generator = { ports = { count = 1500, reuse = 60 } } },
  { own = "own ports" } }
own { "hiccups, bucket 300", { jitter = J, hiccup = { chance = 0.1 },
  bucket = { rate = 300, burst = 20 } }, { rate = 300, kind = "rate", burst = 20 } }
own { "hiccups", { jitter = J, hiccup = { chance = 0.1 } }, { none = true }, arguments = UP_TO }

local function outage(row) add("outage", row.script or "saturate", row.arguments or SHORT, row) end
for _, seconds in ipairs { 2, 10 } do
  outage { ("outage %d s, bucket 300"):format(seconds), { jitter = J,
    outage = { seconds = seconds, chance = 0.1 }, bucket = { rate = 300, burst = 20 } },
    { rate = 300, kind = "rate", burst = 20 } }
  outage { ("outage %d s"):format(seconds), { jitter = J,
    outage = { seconds = seconds, chance = 0.1 } }, { none = true }, arguments = UP_TO }
end
outage { "dies, bucket 300", function(dice)
  return { jitter = J, bucket = { rate = 300, burst = 20 }, dies = 5 + 40 * dice:uniform() }
end, { rate = 300 } }
outage { "dies", function(dice) return { jitter = J, dies = 5 + 30 * dice:uniform() } end,
  { none = true }, arguments = UP_TO }

local held = require "sim.devices_held"
return table.move(held, 1, #held, #list + 1, list)
