-- Whose limit it was, where it was not the target's.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local generator_limit = require "tspam.generator_limit"
local results = require "results"
local tspam = require "tspam"
local test, equal, contains = t.test, t.equal, t.contains

local function limit_of(changes)
  return generator_limit.of(results.clean(100, 10, changes))
end

local function invalid(...)
  return { verdict = "invalid", reasons = { ... } }
end

local limits = {
  { "own ports", { failed = 9, failures = { ["no-port/bind"] = 9 } } },
  { "own descriptors", { failed = 9, failures = { ["no-fd/socket"] = 9 } } },
  { "own memory", { failed = 9, failures = { ["no-memory/connect"] = 9 } } },
  { "own listen queue", invalid({ limit = "own listen queue", text = "it was full" },
    { limit = "generator", text = "late" }) },
  { "own conntrack", invalid { limit = "own conntrack", text = "5 dropped" } },
  { "generator", invalid { limit = "generator", text = "own ports: said of another" } },
}
for _, row in ipairs(limits) do
  test(("this machine's limit is called '%s'"):format(row[1]), function()
    equal((limit_of(row[2])), row[1])
  end)
end

test("a run in which all went well, or the target failed, has none", function()
  equal(limit_of {}, nil)
  equal(limit_of { failed = 500, ok = 500, failures = { ["timeout/connect"] = 500 } }, nil)
end)

test("one connection that found no port is enough, and the sentence has the figures", function()
  local limit, why = limit_of { failed = 1, ok = 999, failures = { ["no-port/connect"] = 1 } }
  equal(limit, "own ports")
  equal(why, "1 of 1000 connections failed with no-port")
end)

test("what was not started was this machine's to start, what the cap kept was not", function()
  local limit, why = limit_of { started = 980, ok = 980, not_started = 20 }
  equal(limit, "generator")
  equal(why, "only 980 of 1000 due connections were started")
  equal(limit_of { started = 991, ok = 991, not_started = 9 }, nil)
  equal(limit_of { started = 700, ok = 700, capped = 300 }, nil)
end)

test("what ran out is told before what was late", function()
  local limit, why = limit_of { verdict = "invalid", failed = 9,
    failures = { ["no-fd/socket"] = 9 }, reasons = { { limit = "generator", text = "late" } } }
  equal(limit, "own descriptors")
  contains(why, "no-fd")
end)

test("failures that never reached the target are counted", function()
  equal(generator_limit.failures { failures = { ["no-port/bind"] = 4, ["no-port/connect"] = 1,
    ["no-fd/socket"] = 2, ["no-memory/socket"] = 3, ["timeout/connect"] = 70 } }, 10)
  equal(generator_limit.failures { failures = {} }, 0)
end)

test("a run's reasons are records, so that whose limit it was is not parsed", function()
  local server <close> = assert(tspam.server { listen = "127.0.0.1", port = 0 })
  local r = assert(tspam.run { port = server.port, rate = 50, count = 5, hold = 1,
    local_ports = "20011-20012" })
  equal(r.reasons[1].limit, "own ports")
  equal(r.reasons[1].what, "own ports")
  equal(r.reasons[1].text, "own ports: 3 connections found no free source port on this machine")
  equal(r.limited_by, "own ports")
  local limit = generator_limit.of(r)
  equal(limit, "own ports")
end)

return t.finish()
