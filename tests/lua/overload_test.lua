-- What gets through a target that is asked for too much, and the burst beyond it.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local digest = require "tspam.search.digest"
local evidence = require "tspam.search.evidence"
local overload = require "tspam.search.overload"
local results = require "results"
local test, equal = t.test, t.equal

local GOAL <const> = { final = 3, sum = 9, loss = 0.005, exceed = 0.5, width = 0.025,
  steady = true, first_final = 3 }

local function near(got, want, share)
  assert(got and math.abs(got - want) <= share * want, ("got %s, want %s"):format(got, want))
end

-- -> evidence of these results; the first is the lowest load's
local function of(list)
  local e = evidence.new { noise = 3 }
  for _, result in ipairs(list) do
    e:add { rate = result.rate, length = result.length, result = result, figures = digest(result) }
  end
  e:set_lowest(list[1].rate)
  return e
end

local function clean(rate, length)
  return results.clean(rate, length or 3)
end

local function bucket(rate, limit, burst, length)
  return results.bucket(rate, length or 3, limit, burst)
end

test("a stray failure early in a trial does not hide when the burst was used up", function()
  local calls = 0
  local r = results.of(800, 3, function(time, passed)
    calls = calls + 1
    return calls ~= 5 and passed + 1 <= 600 + 300 * time + 1e-9
  end)
  equal(r.first_failure.count, 4)
  local seen = digest(r).overload
  near(seen.rate, 300, 0.01)
  near(seen.burst, 600, 0.02)
  near(seen.time, 1.2, 0.03)
end)

test("two overloads that agree tell the rate and its burst", function()
  for _, row in ipairs { { 300, 30 }, { 300, 5 }, { 300, 300 }, { 2000, 100 }, { 45, 45 } } do
    local limit, burst = table.unpack(row)
    local model = overload.model(of { clean(limit / 3), bucket(2 * limit, limit, burst),
      bucket(3 * limit, limit, burst) }, GOAL)
    near(model.rate, limit, 0.01)
    assert(math.abs(model.burst - burst) <= 2 + 0.05 * burst, model.burst)
  end
end)

test("the largest burst counts: a target that had not rested had less to give", function()
  for _, bursts in ipairs { { 300, 60 }, { 60, 300 } } do
    local model = overload.model(of { clean(100), bucket(600, 300, bursts[1]),
      bucket(900, 300, bursts[2]) }, GOAL)
    near(model.burst, 300, 0.02)
  end
end)

test("one overload, or two at nearly the same load, are no model", function()
  equal(overload.model(of { clean(100), bucket(600, 300, 30) }, GOAL), nil)
  equal(overload.model(of { clean(100), bucket(600, 300, 30), bucket(600, 300, 30) }, GOAL), nil)
  equal(overload.model(of { clean(100), bucket(600, 300, 30), bucket(640, 300, 30) }, GOAL), nil)
  assert(overload.model(of { clean(100), bucket(600, 300, 30), bucket(660, 300, 30) }, GOAL))
end)

test("two overloads through which different rates get are no model", function()
  equal(overload.model(of { clean(100), bucket(600, 300, 30), bucket(900, 320, 30) }, GOAL), nil)
end)

test("a longer trial that passes beyond the rate and its burst contradicts the model", function()
  local two = { clean(100), bucket(600, 300, 30), bucket(900, 300, 30) }
  assert(overload.model(of(two), GOAL))
  two[4] = clean(400, 9)
  equal(overload.model(of(two), GOAL), nil)
end)

test("a trial of the first length that passes tells how large the burst is at least", function()
  local model = overload.model(of { clean(100), bucket(600, 300, 30), bucket(900, 300, 30),
    clean(400, 3) }, GOAL)
  near(model.rate, 300, 0.01)
  near(model.burst, 300, 0.1)
end)

test("a trial that its burst explains does not contradict it", function()
  local model = overload.model(of { clean(100), bucket(600, 300, 300), bucket(900, 300, 300),
    bucket(390, 300, 300) }, GOAL) -- of 1,170 all pass
  near(model.rate, 300, 0.01)
end)

test("a target that breaks down under overload, and a full table, are no rate", function()
  equal(overload.model(of { clean(100), bucket(600, 20, 30), bucket(900, 20, 30) }, GOAL), nil)
  local function full(rate)
    return results.of(rate, 3, function(_, passed) return passed < 500 end)
  end
  equal(overload.model(of { clean(100), full(400), full(800) }, GOAL), nil)
end)

test("trials that were set aside are no overload", function()
  local e = of { clean(100), bucket(600, 300, 30), bucket(900, 300, 30) }
  e:trials(900)[1].aside = true
  equal(overload.model(e, GOAL), nil)
end)

-- Of those that pass every 50th is lost on the path.
local function lossy(rate, length, limit)
  local tokens, at, n = limit / 10, 0, 0
  return results.of(rate, length, function(time)
    tokens, at, n = math.min(limit / 10, tokens + limit * (time - at)), time, n + 1
    local through = tokens >= 1
    tokens = through and tokens - 1 or tokens
    return through and n % 50 > 0
  end)
end

test("where the path loses some by itself, what it lost counts as got through", function()
  local e = of { lossy(100, 20, 300), lossy(600, 3, 300), lossy(900, 3, 300) }
  near(e:own_share(), 0.02, 0.01)
  local model = overload.model(e, GOAL)
  near(model.rate, 300, 0.02)
  near(overload.through(e, e:trials(600)[1]), 300, 0.02)
end)

test("what got through is told of one trial, after its first failure", function()
  local e = of { clean(100), bucket(400, 300, 90) } -- the burst is used up after 0.9 s
  near(overload.through(e, e:trials(400)[1]), 300, 0.01)
  e = of { clean(100), bucket(320, 300, 58) } -- after 2.9 s: too late to see a rate
  near(overload.through(e, e:trials(320)[1]), 320, 0.01)
end)

test("the digest says when failures began, and what got through from then on", function()
  local t400 = digest(bucket(400, 300, 90))
  near(t400.overload.time, 0.9, 0.02)
  near(t400.overload.rate, 300, 0.01)
  near(t400.overload.burst, 90, 0.05)
  near(t400.plateau, 300, 0.01)
  equal(t400.misses, t400.failed)
  equal(digest(clean(400)).overload, nil)
end)

return t.finish()
