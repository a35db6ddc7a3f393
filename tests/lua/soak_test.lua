-- RFC 9411's criteria over results of known figures.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local soak = require "tspam.soak"
local test, equal, contains = t.test, t.equal, t.contains

-- A run of `length` seconds in slices of a quarter second. bad(i) -> failures of
-- slice i; open(i), p50(i) as well; what is left out is even.
local function run(rate, length, shape)
  shape = shape or {}
  local r = { rate = rate, length = length, ok = 0, failed = 0, started = 0, failures = {},
    timeline = {} }
  for i = 1, length * 4 do
    local n = rate // 4
    local bad = shape.bad and shape.bad(i, n) or 0
    r.timeline[i] = { time = i / 4, started = n, ok = n - bad, failed = bad,
      open = shape.open and shape.open(i) or 20, p50 = shape.p50 and shape.p50(i) or 0.004 }
    if bad > 0 and not r.first_failure then
      r.first_failure = { time = i / 4 - bad / rate, count = r.started + n - bad }
    end
    r.started, r.ok, r.failed = r.started + n, r.ok + n - bad, r.failed + bad
  end
  r.failures[shape.cause or "timeout/connect"] = r.failed > 0 and r.failed or nil
  return r
end

local function failing(answer)
  local names = {}
  for _, criterion in ipairs(answer.criteria) do
    names[#names + 1] = not criterion.pass and criterion.name or nil
  end
  return table.concat(names, " ")
end

test("a clean run passes, and 300,000 of it are enough to say 0.001 %", function()
  local answer = soak.judge(run(1000, 300))
  equal(answer.pass, true)
  equal(answer.confidence.enough, true)
  equal(soak.judge(run(1000, 100)).confidence.enough, false)
  equal(answer.state_capacity, nil)
end)

test("three failures of 300,000 are too many, two are not", function()
  local function few(k)
    return soak.judge(run(1000, 300, { bad = function(i) return i == 600 and k or 0 end }))
  end
  equal(failing(few(2)), "")
  equal(failing(few(3)), "failed")
  equal(few(2).confidence.enough, false)
end)

test("resets are a criterion of their own, refusals among them", function()
  for _, cause in ipairs { "reset/reply", "refused/connect" } do
    local answer = soak.judge(run(1000, 300, { cause = cause,
      bad = function(i) return i == 600 and 5 or 0 end }))
    equal(failing(answer), "failed resets")
  end
end)

test("a rate that is 6 % short fails", function()
  local answer = soak.judge(run(1000, 100, { bad = function(_, n) return n * 6 // 100 end }))
  contains(failing(answer), "rate")
  equal(failing(soak.judge(run(1000, 100, { bad = function(i, n)
    return i % 2 == 0 and n * 4 // 100 or 0 end }))), "failed")
end)

test("open connections that drift by more than a tenth fail, a flutter does not", function()
  local drift = soak.judge(run(100, 100, { open = function(i) return 100 + i // 5 end }))
  equal(failing(drift), "concurrency")
  local flutter = soak.judge(run(100, 100, { open = function(i) return 100 + i % 2 * 40 end }))
  equal(failing(flutter), "")
  equal(failing(soak.judge(run(100, 100, { open = function(i) return i % 3 end }))), "")
end)

test("the time until as many are open as last that long is no wavering", function()
  local held = run(20, 15, { open = function(i) return math.min(60, 5 * i) end })
  equal(failing(soak.judge(held)), "concurrency")
  held.latency = { percentile = function() return 3.01 end }
  equal(failing(soak.judge(held)), "")
end)

-- The bound is a figure of statistics: 95 % quantiles of Poisson counts.
for _, row in ipairs { { 0, 3.00 }, { 1, 4.74 }, { 2, 6.30 }, { 10, 16.96 }, { 100, 118.1 } } do
  test(("%d failures are compatible with a mean of %g"):format(row[1], row[2]), function()
    local bound = soak.bound(row[1], 1000) * 1000
    assert(math.abs(bound / row[2] - 1) < 0.003, bound)
  end)
end

test("the bound does not jump where the approximation begins", function()
  local low, high = soak.bound(200, 1e6), soak.bound(201, 1e6)
  assert(low < high and high / low < 1.02, high / low)
end)

-- A table of 1,500 entries, each kept 10 s, at 200/s: full at 7.5 s, dead until 10 s.
local function table_is_full(i, n)
  local at = i % 40
  return at > 30 and n or at == 0 and n or 0
end

test("a table that fills and ages is named, with what it sustains", function()
  local answer = soak.judge(run(200, 40, { bad = table_is_full }))
  equal(answer.pass, false)
  equal(answer.state_capacity, 1500)
  equal(answer.failed_at, 7.5)
  equal(answer.recovered, 10)
  equal(answer.sustainable, 150)
  contains(soak.text(answer), "State capacity is about 1,500 connections")
  contains(soak.text(answer), "about 150/s can be sustained")
end)

test("a table that does not age within the run has no sustained rate", function()
  local answer = soak.judge(run(200, 20, { bad = function(i, n) return i > 30 and n or 0 end }))
  equal(answer.state_capacity, 1500)
  equal(answer.sustainable, nil)
end)

test("latency that climbs before the first failure is a queue, not state", function()
  local answer = soak.judge(run(200, 40, { bad = table_is_full,
    p50 = function(i) return 0.004 * i end }))
  equal(answer.state_capacity, nil)
end)

test("failures strewn over the run are no state", function()
  local answer = soak.judge(run(200, 40, { bad = function(i) return i % 5 == 4 and 20 or 0 end }))
  equal(answer.state_capacity, nil)
end)

test("a soak takes 300 s, or as long as 300,000 connections", function()
  equal(soak.default_length(5000), 300)
  equal(soak.default_length(100), 3000)
end)

test("no soak is longer than a run can be, and one that is too short for it says so", function()
  local length, short = soak.default_length(0.25)
  equal(length, 1e6)
  equal(short, true)
  equal(select(2, soak.default_length(0.3)), false)
end)

test("an interrupted soak has figures of the time it ran, and no verdict", function()
  local r = run(100, 2)
  r.length, r.interrupted, r.achieved = 20, true, 100
  local answer = soak.judge(r)
  equal(answer.pass, nil)
  for _, criterion in ipairs(answer.criteria) do
    equal(criterion.pass, nil)
  end
  contains(soak.text(answer), "rate         -     100/s established, 100/s asked")
  contains(soak.text(answer), "Interrupted after 2.00 s: no verdict.\n")
  equal(soak.field(answer)[2].pass, nil)
end)

test("a soak interrupted before its first connection has no verdict either", function()
  local text = soak.text(soak.judge { rate = 100, length = 20, achieved = 0, ok = 0, failed = 0,
    started = 0, failures = {}, timeline = {}, interrupted = true })
  contains(text, "at most 100 % fail")
  contains(text, "Interrupted after 0.00 s: no verdict.\n")
end)

return t.finish()
