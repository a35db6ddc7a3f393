-- Conditions on a result: which are understood, and when they hold.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local fixture = require "fixture"
local conditions = require "tspam.conditions"
local test, equal = t.test, t.equal

local function check(expr, results, extra, metrics)
  local req = assert(conditions.parse(expr, metrics))
  return conditions.check(req, results or { fixture.result() }, extra)
end

-- expression, holds for the fixture, value got
local rows = {
  { "p99<99.1ms", true, 0.099 }, { "p99<99ms", false, 0.099 }, { "p99<=0.099s", true, 0.099 },
  { "latency.p50 >= 50ms", true, 0.05 }, { "median==50ms", true, 0.05 },
  { "connect.p99.9<2ms", true, 0.001 }, { "max>100ms", false, 0.1 },
  { "maximum<=100ms", true, 0.1 }, { "failed<1%", false, 0.01 }, { "failed<1.1%", true, 0.01 },
  { "failed<=100", true, 100 }, { "failed<100", false, 100 }, { "achieved>=990", true, 999.5 },
  { "achieved>=1k", false, 999.5 }, { "retransmitted<1%", true, 0.0007 },
  { "ok==9900", true, 9900 }, { "elapsed<10s", false, 10.1 },
}
for _, row in ipairs(rows) do
  test(("'%s' %s"):format(row[1], row[2] and "holds" or "does not hold"), function()
    local done = check(row[1])
    equal(done.ok, row[2])
    equal(done.got, row[3])
    equal(done.expr, row[1])
  end)
end

test("a percentile of an empty histogram fails its condition", function()
  for _, expr in ipairs { "p99<1h", "p99>=0" } do
    local done = check(expr, { fixture.result { latency = fixture.hist {} } })
    equal(done.ok, false)
    equal(done.got, nil)
  end
end)

test("a share of nothing fails its condition", function()
  equal(check("failed<1%", { fixture.result { due = 0, failed = 0 } }).ok, false)
end)

test("of several runs the worst counts", function()
  local runs = { fixture.result { failed = 5 }, fixture.result { failed = 9 },
    fixture.result { failed = 1 } }
  local done = check("failed<9", runs)
  equal(done.ok, false)
  equal(done.got, 9)
  equal(check("failed<10", runs).ok, true)
  equal(check("failed>=2", runs).got, 1)
end)

test("nothing measured holds nothing", function()
  equal(check("failed<1", {}).ok, false)
end)

test("a metric of the script is judged by the script's figure", function()
  equal(check("answer>=5", {}, { answer = 6 }, { answer = "rate" }).ok, true)
  equal(check("answer>=5", {}, { answer = 4 }, { answer = "rate" }).got, 4)
  equal(check("answer>=5", {}, {}, { answer = "rate" }).ok, false)
  equal(check("answer>=1k", {}, { answer = 1000 }, { answer = "rate" }).ok, true)
  equal(check("held>1k", {}, { held = 1000 }, { held = "count" }).kind, "count")
end)

local NO_CONDITION <const> =
  "a condition like 'p99<50ms' wanted: a metric, one of < <= > >= ==, a value"

local refused = {
  { "p99", NO_CONDITION },
  { "p99=5", NO_CONDITION },
  { "p99<5q", "a time with its unit, like \"50ms\", wanted after '<'" },
  { "p99<", "a time with its unit, like \"50ms\", wanted after '<'" },
  { "p99<50", "a time with its unit, like \"50ms\", wanted after '<'" },
  { "elapsed<=0.5", "a time with its unit, like \"50ms\", wanted after '<='" },
  { "achieved>=fast", "a rate like \"5k\" wanted after '>='" },
  { "failed<x%", "a count, or a share like \"0.1%\" wanted after '<'" },
}
for _, row in ipairs(refused) do
  test(("'%s' is refused"):format(row[1]), function()
    local req, wanted = conditions.parse(row[1])
    equal(req, nil)
    equal(wanted, row[2])
  end)
end

test("a figure of the script has no share", function()
  local _, wanted = conditions.parse("held>5%", { held = "count" })
  equal(wanted, "a count like \"5k\" wanted after '>'")
end)

test("an unknown metric is answered with a suggestion and the list", function()
  local _, wanted = conditions.parse("faild<5")
  t.contains(wanted, "unknown metric 'faild' (did you mean 'failed'?); known: due started")
  t.contains(wanted, "phases: latency service")
  equal(conditions.parse("p101<5"), nil)
  equal(conditions.parse("nowhere.p99<5"), nil)
end)

return t.finish()
