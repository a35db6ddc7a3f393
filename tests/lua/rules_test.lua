-- How one trial of a search is judged: its losses, and the rules beside them.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local digest = require "tspam.search.digest"
local results = require "results"
local rules = require "tspam.search.rules"
local search = require "tspam.search"
local test, equal, contains = t.test, t.equal, t.contains

local median = results.median

-- A trial of 1,000 connections in 10 s, all well.
local function result(changes)
  local r = { due = 1000, started = 1000, ok = 1000, failed = 0, retransmitted = 0,
    retransmitted_ok = 0, failures = {}, timeline = {}, verdict = "valid", reasons = {}, rate = 100,
    length = 10, latency = median(0.01) }
  for key, value in pairs(changes) do
    r[key] = value
  end
  return r
end

-- Judges a trial of 100/s by lower loads (default: all well there) -> verdict, why
local function judged(changes, lowest, options)
  local now = 0
  local wanted = { start = 50, max_rate = 100, length = 10, max_trials = 8, wait = function() end,
    now = function()
      now = now + 10
      return now
    end,
    trial = function(load) return result(load.rate == 100 and changes or lowest or {}) end }
  for name, value in pairs(options or {}) do
    wanted[name] = value
  end
  for _, trial in ipairs(search(wanted).trials) do
    if trial.rate == 100 then
      return trial.trial, trial.why
    end
  end
end

local function invalid(...)
  return { verdict = "invalid", reasons = { ... } }
end

-- A change of a clean result, what it is judged, words of the reason.
local cases = {
  { {}, "pass", "lowest rate" },
  { { failed = 5, ok = 995, failures = { ["reset/reply"] = 5 } }, "pass", "" },
  { { failed = 30, ok = 970, failures = { ["reset/reply"] = 30 } }, "fail",
    "3.0 % lost (mostly reset/reply); the goal is 0.5 %" },
  { { retransmitted = 30, retransmitted_ok = 30 }, "fail", "3.0 % lost (mostly retransmitted)" },
  { { latency = median(0.019) }, "pass", "" },
  { { latency = median(0.021) }, "fail",
    "slow: the median is 21.00 ms, 2.1 times that of the lowest rate" },
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
    local verdict, why = judged(row[1])
    equal(verdict, row[2])
    contains(why, row[3])
  end)
end

test("a dropped SYN whose connection then fails is one miss, not two", function()
  local dropped = result { failed = 4, ok = 996, retransmitted = 6, retransmitted_ok = 2,
    failures = { ["timeout/connect"] = 4 } }
  equal(digest(dropped).misses, 6)
  local _, why = judged { failed = 30, ok = 970, retransmitted = 30,
    failures = { ["timeout/connect"] = 30 } }
  equal(why, "3.0 % lost (mostly timeout/connect); the goal is 0.5 %")
end)

test("what failed for want of this machine's ports or descriptors is no miss", function()
  local r = result { failed = 9, ok = 991,
    failures = { ["no-port/bind"] = 4, ["no-fd/socket"] = 3, ["reset/reply"] = 2 } }
  equal(digest(r).misses, 2)
  equal(digest(r).failed, 2)
end)

test("losses are those beyond what the path loses by itself, and the reason says so", function()
  local lowest = { failed = 20, ok = 980, failures = { ["timeout/connect"] = 20 } }
  equal(judged({ failed = 25, ok = 975, failures = { ["timeout/connect"] = 25 } }, lowest), "pass")
  local verdict, why = judged({ failed = 80, ok = 920, failures = { ["timeout/connect"] = 80 } },
    lowest)
  equal(verdict, "fail")
  equal(why, "8.0 % lost (mostly timeout/connect); the goal is 0.5 % and the path loses 2.0 % "
    .. "by itself")
end)

test("a median under 1 ms above the lowest rate's is not slow, however many times", function()
  equal(judged({ latency = median(11e-4) }, { latency = median(2e-4) }), "pass")
  equal(judged({ latency = median(13e-4) }, { latency = median(2e-4) }), "fail")
end)

test("how much slower is slow is the user's to say", function()
  equal(judged({ latency = median(0.029) }, {}, { slowdown = 3 }), "pass")
  equal(judged({ latency = median(0.031) }, {}, { slowdown = 3 }), "fail")
end)

local function timeline(medians, open)
  local list = {}
  for i, p50 in ipairs(medians) do
    list[i] = { time = i, started = 250, ok = 250, failed = 0, p50 = p50,
      open = open and open[i] or 3 }
  end
  return { timeline = list, length = #medians }
end

test("connections that take longer than a quarter of the trial are no growing queue", function()
  local slow = timeline({ 2.5, 2.5, 2.5, 2.5 }, { 250, 500, 625, 625 })
  slow.latency = median(2.5) -- of four seconds at 250/s: open after one 250, at the end 625
  local lowest = timeline({ 2.5, 2.5, 2.5, 2.5 }, { 250, 500, 625, 625 })
  lowest.latency = median(2.5)
  equal(judged(slow, lowest), "pass")
  slow.timeline[4].open = 725
  local verdict, why = judged(slow, lowest)
  equal(verdict, "fail")
  contains(why, "a queue grows: completions fall behind, 250 open after a quarter, 725 at the end")
end)

test("the lowest rate itself is held to no measure but its own", function()
  local slow = timeline({ 2.5, 2.5, 2.5, 2.5 }, { 250, 500, 625, 625 })
  slow.latency = median(2.5)
  local figures = digest(result(slow))
  for _, rule in ipairs(rules.standard {}) do
    equal(rule(figures, figures), nil)
  end
end)

test("a median that doubles within the trial is a growing queue from 5 ms on", function()
  local verdict, why = judged(timeline { 0.004, 0.006, 0.008, 0.0095 })
  equal(verdict, "fail")
  equal(why, "a queue grows: the median climbs from 4.0 ms to 9.5 ms within the trial")
  equal(judged(timeline { 0.002, 0.003, 0.005, 0.0069 }), "pass")
  equal(judged(timeline { 0.008, 0.01, 0.012, 0.0159 }), "pass")
end)

test("completions that fall behind the starts are a growing queue", function()
  local flat = { 0.01, 0.01, 0.01, 0.01 }
  equal(judged(timeline(flat, { 20, 40, 60, 80 })), "fail")
  equal(judged(timeline(flat, { 20, 25, 30, 35 })), "pass")
end)

test("what is started a moment after the last quarter is no quarter", function()
  local late = timeline({ 0.01, 0.01, 0.01, 0.01, 0.05 }, { 3, 3, 3, 3, 1 })
  late.timeline[5].started, late.length = 1, 4
  equal(judged(late), "pass")
  equal(digest(result(late)).last.started, 250)
end)

-- rule, its figures, does it leave no doubt?
for _, row in ipairs {
  { "queue", { first = { p50 = 0.01 }, last = { p50 = 0.03 } }, false },
  { "queue", { first = { p50 = 0.01 }, last = { p50 = 0.05 } }, true },
  { "capped", { due = 1000, capped = 30 }, nil },
} do
  local name, figures, clear = table.unpack(row)
  test(("rule '%s' is broken %s"):format(name, clear and "clearly" or "once"), function()
    local why, sure = rules[name](figures, {})
    assert(why)
    equal(sure, clear)
  end)
end

test("slow is clear where it is twice as slow as is allowed", function()
  local slow = rules.slow(2)
  equal(select(2, slow({ median = 0.03 }, { median = 0.01 })), false)
  equal(select(2, slow({ median = 0.05 }, { median = 0.01 })), true)
end)

test("a rule of a user's own takes the result of the trial, and gives the reason", function()
  local p99 = { percentile = function(_, p) return p == 99 and 0.06 or 0.01 end }
  local own = { rules.queue, function(trial)
    local seconds = trial.result.latency:percentile(99)
    return seconds > 0.05 and ("p99 is %.0f ms"):format(1e3 * seconds) or nil
  end }
  local verdict, why = judged({ latency = p99 }, nil, { rules = own })
  equal(verdict, "fail")
  equal(why, "p99 is 60 ms")
  equal(judged({ latency = median(0.04) }, nil, { rules = own }), "pass") -- no slow among them
end)

return t.finish()
