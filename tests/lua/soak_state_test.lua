-- What a soak says of a full table, and of an outage, over results of known figures.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local soak_run = require "soak_run"
local report = require "tspam.report.soak"
local soak = require "tspam.soak"
local test, equal, contains, near = t.test, t.equal, t.contains, require("table_device").near
local run, judge = soak_run.new, soak_run.judge

-- A table of 1,500 entries, each kept 10 s, at 200/s: full at 7.5 s, dead until 10 s.
local function table_is_full(i, n)
  local at = i % 40
  return at > 30 and n or at == 0 and n or 0
end

test("a table that fills and ages is named, with what it sustains", function()
  local answer = judge(run(200, 40, { bad = table_is_full }))
  equal(answer.pass, false)
  equal(answer.state_capacity, 1500)
  equal(answer.failed_at, 7.5)
  near(answer.recovered, 10, 0.01)
  near(answer.lifetime, 10, 0.01)
  near(answer.sustainable, 150, 0.2)
  equal(#answer.outages, 0)
  equal(answer.seen, nil)
  contains(report.text(answer), "State capacity is about 1,500 connections")
  contains(report.text(answer), "the same count came a second time. An entry lives 10.0 s: about "
    .. "150/s can be sustained.\n")
end)

-- What the run alone does not decide, and what an experiment may find.
local function undecided(r)
  local answer = judge(r)
  equal(answer.state_capacity, nil)
  equal(answer.sustainable, nil)
  assert(answer.seen, "nothing was seen")
  return answer
end

local function full_to_the_end()
  return run(200, 20, { bad = function(i, n) return i > 30 and n or 0 end })
end

test("a table that is full once is a sign, and no claim", function()
  local answer = undecided(full_to_the_end())
  equal(answer.seen.connections, 1500)
  contains(report.text(answer), "State capacity is not known: after 1,500 connections, at t = "
    .. "7.50 s, new ones began to fail; that was counted once (an outage looks the same).\n")
  contains(report.text(answer), "nothing got through from t = 7.50 s to the end.\n")
  equal(report.field(answer)[2].state_capacity, nil)
end)

test("a second count after the soak makes the claim, with what it sustains", function()
  local answer = undecided(full_to_the_end())
  soak.add(answer, { kind = "state", entries = 1500, lifetime = 30, sustained = 50 }, 1000)
  equal(answer.state_capacity, 1500)
  equal(#answer.outages, 0)
  local field = report.field(answer)[2]
  equal(field.sustainable, 50)
  equal(field.lifetime, 30)
  equal(field.state_unknown, nil)
  contains(report.text(answer), "An entry lives 30.0 s: about 50/s can be sustained.\n")
  answer = undecided(full_to_the_end())
  soak.add(answer, { kind = "state", entries = 1500 }, 1000)
  contains(report.text(answer), "the same count came a second time.\n")
  equal(report.field(answer)[2].sustainable, nil)
end)

test("an outage that lasted to the end is told, with when it ended after that", function()
  local answer = undecided(full_to_the_end())
  soak.add(answer, { kind = "outage", from = 1007.5, to = 1023 }, 1000)
  equal(answer.outages[1].to, 23)
  contains(report.text(answer), "Outage: (nearly) nothing got through from t = 7.50 s to t = "
    .. "23.00 s.\n")
  assert(not report.text(answer):find("State capacity", 1, true), report.text(answer))
end)

test("what a second count does not decide is not known", function()
  for _, row in ipairs {
    { { kind = "silent", waited = 300 }, "no new one was accepted for 300 s: it is full, or dead" },
    { { kind = "unclear", reason = "the counts differ" }, "the counts differ" },
    { { kind = "interrupted" }, "interrupted" },
  } do
    local answer = undecided(full_to_the_end())
    soak.add(answer, row[1], 1000)
    equal(answer.state_capacity, nil)
    contains(report.text(answer), "that was counted once (" .. row[2] .. ").\n")
    contains(report.field(answer)[2].state_unknown, row[2])
  end
end)

test("an outage is told from when to when, and is no state, whenever it comes", function()
  for first = 2, 150, 4 do
    for _, slices in ipairs { 8, 40 } do
      local r = run(200, 80, { bad = function(i, n)
        return i >= first and i < first + slices and n or 0
      end })
      local answer = judge(r)
      equal(answer.state_capacity, nil)
      equal(#answer.outages, 1)
      near(answer.outages[1].from, (first - 1) / 4, 0.01)
      near(answer.outages[1].to, (first - 1 + slices) / 4, 0.01)
      local outage = report.field(answer)[2].outages[1]
      near(outage.to - outage.from, slices / 4, 0.01)
      contains(report.text(answer), "Outage: (nearly) nothing got through from t = ")
    end
  end
end)

test("a moment in which all fail is no outage", function()
  equal(#judge(run(4000, 20, { bad = function(i) return i == 40 and 600 or 0 end })).outages, 0)
end)

-- 2,000 entries at 500/s: full at 4 s. In one quarter of a second 104 that closed are given back.
test("a few entries that are given back early are no recovery, and sustain no rate", function()
  local answer = undecided(run(500, 8, { bad = function(i, n)
    return i == 22 and n - 104 or i > 16 and n or 0
  end }))
  equal(answer.seen.connections, 2000)
  equal(answer.recovered, nil)
end)

test("a recovery that the end of the run cuts short is not known to last", function()
  equal(undecided(run(200, 11, { bad = table_is_full })).seen.connections, 1500)
end)

test("latency that climbs before the first failure is a queue, not state", function()
  local answer = judge(run(200, 40, { bad = table_is_full,
    p50 = function(i) return 0.004 * i end }))
  equal(answer.state_capacity, nil)
  equal(answer.seen, nil)
end)

test("failures strewn over the run are no state", function()
  local answer = judge(run(200, 40, { bad = function(i) return i % 5 == 4 and 20 or 0 end }))
  equal(answer.state_capacity, nil)
  equal(answer.seen, nil)
end)

test("what this machine spoiled is not counted a second time", function()
  local r = full_to_the_end()
  r.verdict, r.reasons = "invalid", { { limit = "generator", text = "late starts: x" } }
  equal(judge(r).seen, nil)
end)

return t.finish()
