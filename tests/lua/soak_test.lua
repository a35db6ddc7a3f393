-- RFC 9411's criteria, as they stand in the script, over results of known figures.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local soak_run = require "soak_run"
local report = require "tspam.report.soak"
local soak = require "tspam.soak"
local confidence = require "tspam.soak.confidence"
local test, equal, contains = t.test, t.equal, t.contains
local run, judge = soak_run.new, soak_run.judge

local function failing(answer)
  local names = {}
  for _, criterion in ipairs(answer.criteria) do
    names[#names + 1] = not criterion.pass and criterion.name or nil
  end
  return table.concat(names, " ")
end

test("a clean run of 300,000 passes", function()
  local answer = judge(run(1000, 300))
  equal(answer.pass, true)
  equal(answer.conclusive, true)
  equal(answer.confidence.enough, true)
  equal(answer.state_capacity, nil)
  contains(report.text(answer), "The soak passes.\n")
end)

test("48 connections without a failure do not pass: 6 % may fail for all they show", function()
  local answer = judge(run(50, 1))
  equal(failing(answer), "")
  equal(answer.pass, nil)
  equal(answer.conclusive, false)
  contains(report.text(answer), "at most 6.2 % fail.\nThe soak is inconclusive: no criterion is "
    .. "violated, but 48 connections cannot show with 95 % confidence that fewer than 0.001 % "
    .. "fail; 300,000 can, if none fails (--length 6000).\n")
  local field = report.field(answer)[2]
  equal(field.pass, nil)
  equal(field.conclusive, false)
  equal(field.confidence.needed, 300000)
end)

test("with two failures it takes 630,000 to pass", function()
  local answer = judge(run(1000, 300, { bad = function(i) return i == 600 and 2 or 0 end }))
  equal(answer.pass, nil)
  contains(answer.reason, "630,000 can, if no more than 2 fail (--length 630)")
end)

test("a criterion that is violated fails, however few the connections", function()
  local answer = judge(run(50, 1, { bad = function() return 1 end }))
  equal(answer.pass, false)
  equal(answer.conclusive, true)
  contains(report.text(answer), "The soak fails.\n")
end)

test("what this machine spoiled is no fail of the target's, nor a pass", function()
  for _, bad in ipairs { 0, 1 } do
    local r = run(1000, 300, { bad = function() return bad end })
    r.verdict, r.reasons = "invalid", { { limit = "generator", text = "late starts: x" } }
    local answer = judge(r)
    equal(answer.pass, nil)
    equal(answer.limited_by, "generator")
    contains(report.text(answer), "The soak is inconclusive: this machine was the limit "
      .. "(generator): late starts: x.\n")
    assert(not report.text(answer):find("FAIL"), report.text(answer))
  end
end)

test("3 for a fail, 4 for too few; a signal, and this machine's limit, go before", function()
  local few, enough = { confidence = {} }, { confidence = { enough = true } }
  equal(soak.status({ pass = false, confidence = {} }, 0), 3)
  equal(soak.status({ pass = true, confidence = { enough = true } }, 0), 0)
  equal(soak.status({ pass = true, confidence = { enough = true } }, 3), 3)
  equal(soak.status(few, 0), 4)
  equal(soak.status(few, 3), 4)
  equal(soak.status(few, 130), 130)
  equal(soak.status({ pass = false, confidence = {} }, 4), 4)
  equal(soak.status(enough, 0), 0) -- a dry run that this machine limited
end)

test("three failures of 300,000 are too many, two are not", function()
  local function few(k)
    return judge(run(1000, 300, { bad = function(i) return i == 600 and k or 0 end }))
  end
  equal(failing(few(2)), "")
  equal(failing(few(3)), "failed")
  equal(few(2).confidence.enough, false)
end)

test("resets are a criterion of their own, refusals among them", function()
  for _, cause in ipairs { "reset/reply", "refused/connect" } do
    local answer = judge(run(1000, 300, { cause = cause,
      bad = function(i) return i == 600 and 5 or 0 end }))
    equal(failing(answer), "failed resets")
  end
end)

test("a rate that is 6 % short fails", function()
  local answer = judge(run(1000, 100, { bad = function(_, n) return n * 6 // 100 end }))
  contains(failing(answer), "rate")
  equal(failing(judge(run(1000, 100, { bad = function(i, n)
    return i % 2 == 0 and n * 4 // 100 or 0 end }))), "failed")
end)

test("open connections that drift by more than a tenth fail, a flutter does not", function()
  local drift = judge(run(100, 100, { open = function(i) return 100 + i // 5 end }))
  equal(failing(drift), "concurrency")
  local flutter = judge(run(100, 100, { open = function(i) return 100 + i % 2 * 40 end }))
  equal(failing(flutter), "")
  equal(failing(judge(run(100, 100, { open = function(i) return i % 3 end }))), "")
end)

test("the time until as many are open as last that long is no wavering", function()
  local held = run(20, 15, { open = function(i) return math.min(60, 5 * i) end })
  equal(failing(judge(held)), "concurrency")
  held.latency = { percentile = function() return 3.01 end }
  equal(failing(judge(held)), "")
end)

-- The bound is a figure of statistics: 95 % quantiles of Poisson counts.
for _, row in ipairs { { 0, 3.00 }, { 1, 4.74 }, { 2, 6.30 }, { 10, 16.96 }, { 100, 118.1 } } do
  test(("%d failures are compatible with a mean of %g"):format(row[1], row[2]), function()
    local bound = confidence.bound(row[1], 1000) * 1000
    assert(math.abs(bound / row[2] - 1) < 0.003, bound)
  end)
end

test("the bound does not jump where the approximation begins", function()
  local low, high = confidence.bound(200, 1e6), confidence.bound(201, 1e6)
  assert(low < high and high / low < 1.02, high / low)
end)

test("a soak takes 300 s, or as long as 300,000 connections", function()
  equal(confidence.default_length(5000), 300)
  equal(confidence.default_length(100), 3000)
end)

test("who asks for a soak that cannot pass is told before it", function()
  equal(confidence.foresee(50, 1), "note: 50 connections can fail, but not pass: to show that "
    .. "fewer than 0.001 % fail takes 300,000 without a failure (--length 6000)")
  for _, rate in ipairs { 0.3, 7, 1000, 3000, 1e5 } do
    equal(confidence.foresee(rate, confidence.default_length(rate)), nil)
  end
  equal(confidence.default_length(0.25), 1e6) -- no run is longer
  contains(confidence.foresee(0.25, 1e6), "(a higher rate)")
end)

test("an interrupted soak has figures of the time it ran, and no verdict", function()
  local r = run(100, 2)
  r.length, r.interrupted, r.achieved = 20, true, 100
  local answer = judge(r)
  equal(answer.pass, nil)
  for _, criterion in ipairs(answer.criteria) do
    equal(criterion.pass, nil)
  end
  contains(report.text(answer), "rate         -     100/s established, 100/s asked")
  contains(report.text(answer), "Interrupted after 2.00 s: no verdict.\n")
  equal(report.field(answer)[2].pass, nil)
end)

test("a soak interrupted before its first connection has no verdict either", function()
  local text = report.text(judge { rate = 100, length = 20, achieved = 0, ok = 0, failed = 0,
    started = 0, due = 0, failures = {}, timeline = {}, interrupted = true })
  contains(text, "at most 100 % fail")
  contains(text, "Interrupted after 0.00 s: no verdict.\n")
end)

return t.finish()
