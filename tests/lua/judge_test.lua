-- How one trial of a search is judged, and whose limit it met.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local judge = require "tspam.search.judge"
local generator_limit = require "tspam.generator_limit"
local test, equal, contains = t.test, t.equal, t.contains

local function result(changes)
  local r = { due = 1000, started = 1000, ok = 1000, failed = 0, retransmitted = 0,
    retransmitted_ok = 0, failures = {}, timeline = {}, verdict = "valid", reasons = {}, rate = 100,
    latency = { percentile = function() return 0.01 end } }
  for key, value in pairs(changes) do
    r[key] = value
  end
  return r
end

local base = judge.digest(result {})
local goals = { slowdown = 2, max_failures = 0.005, noise = 3 }

local function median(seconds)
  return { percentile = function() return seconds end }
end

local function invalid(...)
  return { verdict = "invalid", reasons = { ... } }
end

-- A change of a clean result, what it is judged, a word of the reason.
local cases = {
  { {}, "pass", "lowest rate" },
  { { failed = 5, ok = 995, failures = { ["reset/reply"] = 5 } }, "pass", "" },
  { { failed = 30, ok = 970, failures = { ["reset/reply"] = 30 } }, "fail", "reset/reply" },
  { { retransmitted = 30, retransmitted_ok = 30 }, "fail", "(mostly retransmitted)" },
  { { latency = median(0.019) }, "pass", "" },
  { { latency = median(0.021) }, "fail", "slow" },
  { { failed = 30, ok = 970, failures = { ["no-fd/socket"] = 30 } }, "invalid", "no-fd" },
  { invalid { limit = "generator", text = "late starts" }, "invalid", "late starts" },
  { { started = 900, ok = 900, not_started = 100 }, "invalid", "900 of 1000" },
  { { started = 900, ok = 900, capped = 100 }, "fail", "max_open" },
  { { started = 900, ok = 900, capped = 100, open_max = 3 }, "fail", "max_open" },
  { { started = 900, ok = 900, capped = 100, open_max = 1 }, "invalid", "max_open" },
  { { started = 990, ok = 990, capped = 10 }, "pass", "" },
}
for i, row in ipairs(cases) do
  test(("case %d is judged %s"):format(i, row[2]), function()
    local verdict = judge.trial(result(row[1]), base, goals)
    equal(verdict.trial, row[2])
    contains(verdict.why, row[3])
  end)
end

test("a dropped SYN whose connection then fails is one miss, not two", function()
  local dropped = result { failed = 4, ok = 996, retransmitted = 6, retransmitted_ok = 2,
    failures = { ["timeout/connect"] = 4 } }
  equal(judge.digest(dropped).misses, 6)
  dropped = result { failed = 30, ok = 970, retransmitted = 30,
    failures = { ["timeout/connect"] = 30 } }
  contains(judge.trial(dropped, base, goals).why,
    "3.0% failed or were retransmitted (mostly timeout/connect)")
end)

test("a median under 1 ms above the baseline's is not slow, however many times", function()
  local fast = judge.digest(result { latency = median(2e-4) })
  equal(judge.trial(result { latency = median(11e-4) }, fast, goals).trial, "pass")
  equal(judge.trial(result { latency = median(13e-4) }, fast, goals).trial, "fail")
end)

local function timeline(medians, open)
  local list = {}
  for i, p50 in ipairs(medians) do
    list[i] = { time = i, started = 250, ok = 250, failed = 0, p50 = p50,
      open = open and open[i] or 3 }
  end
  return { timeline = list }
end

test("connections that take longer than a quarter of the trial are no growing queue", function()
  local takes = median(2.5) -- of four seconds at 250/s: open after one 250, at the end 625
  local open = timeline({ 2.5, 2.5, 2.5, 2.5 }, { 250, 500, 625, 625 })
  local slow = judge.digest(result { latency = takes, timeline = open.timeline })
  equal(judge.trial(result { latency = takes, timeline = open.timeline }, nil, goals).trial, "pass")
  equal(judge.trial(result { latency = takes, timeline = open.timeline }, slow, goals).trial,
    "pass")
  open.timeline[4].open = 725
  contains(judge.trial(result { latency = takes, timeline = open.timeline }, slow, goals).why,
    "completions fall behind")
end)

test("a median that doubles within the trial is a growing queue from 5 ms on", function()
  local grows = judge.trial(result(timeline { 0.004, 0.006, 0.008, 0.0095 }), base, goals)
  equal(grows.trial, "fail")
  contains(grows.why, "a queue grows")
  equal(judge.trial(result(timeline { 0.002, 0.003, 0.005, 0.0069 }), base, goals).trial, "pass")
  equal(judge.trial(result(timeline { 0.008, 0.01, 0.012, 0.0159 }), base, goals).trial, "pass")
end)

test("completions that fall behind the starts are a growing queue", function()
  local flat = { 0.01, 0.01, 0.01, 0.01 }
  equal(judge.trial(result(timeline(flat, { 20, 40, 60, 80 })), base, goals).trial, "fail")
  equal(judge.trial(result(timeline(flat, { 20, 25, 30, 35 })), base, goals).trial, "pass")
end)

test("what is started a moment after the last quarter is no quarter", function()
  local late = timeline({ 0.01, 0.01, 0.01, 0.01, 0.05 }, { 3, 3, 3, 3, 1 })
  late.timeline[5].started, late.length = 1, 4
  local verdict = judge.trial(result(late), base, goals)
  equal(verdict.trial, "pass")
  equal(verdict.digest.last.started, 250)
end)

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
    equal((generator_limit.of(result(row[2]))), row[1])
  end)
end

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
