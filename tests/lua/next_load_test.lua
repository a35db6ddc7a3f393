-- Where a search looks next: up, down, and inside the bracket.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local next_load = require "tspam.search.next_load"
local results = require "results"
local search = require "tspam.search"
local test, equal, contains = t.test, t.equal, t.contains

-- What a search knows at its begin, and changes to it.
local function known(changes)
  local b = { start = 50, max_rate = 1e6, width = 0.025, margin = 0 }
  for name, value in pairs(changes) do
    b[name] = value
  end
  return b
end

local function near(got, want)
  assert(math.abs(got / want - 1) < 1e-9, ("got %s, want %s"):format(got, want))
end

test("the first load is the start", function()
  equal(next_load.default(known {}), 50)
end)

test("where none has failed it doubles, or takes the user's step, up to the ceiling", function()
  equal(next_load.default(known { lower = 50 }), 100)
  equal(next_load.default(known { lower = 50, increment = 1.25 }), 62.5)
  equal(next_load.default(known { lower = 50, max_rate = 80 }), 80)
end)

test("where none has passed it goes down: to half of what got through, or to an eighth", function()
  equal(next_load.default(known { upper = 1000 }), 125)
  equal(next_load.default(known { upper = 1000, estimate = 300 }), 150)
  equal(next_load.default(known { upper = 1000, estimate = 100 }), 125)
  equal(next_load.default(known { upper = 1000, estimate = 1000 }), 125) -- that is no estimate
end)

test("inside the bracket it looks just below what got through, then just above", function()
  local step = math.sqrt(1.025)
  near(next_load.default(known { lower = 200, upper = 400, estimate = 300 }), 300 / step)
  near(next_load.default(known { lower = 300 / step, upper = 400, estimate = 300 }), 300 * step)
end)

test("above what got through it leaves room for what a burst adds", function()
  local step = math.sqrt(1.025)
  near(next_load.inside(known { lower = 300 / step, upper = 400, estimate = 300, margin = 20 }),
    300 * step + 20)
end)

test("without an estimate, or with one that is no use, it halves the bracket", function()
  near(next_load.inside(known { lower = 200, upper = 800 }), 400)
  near(next_load.inside(known { lower = 200, upper = 800, estimate = 100 }), 400)
  near(next_load.inside(known { lower = 200, upper = 800, estimate = 900 }), 400)
end)

test("a load that only a burst carried is not tried again", function()
  local b = known { lower = 200, upper = 800, carried = 450 }
  near(next_load.inside(b), 600)
  b.estimate, b.margin = 202, 0
  near(next_load.inside(b), 600)
end)

test("20,000 random brackets: the next load lies inside, always", function()
  math.randomseed(1)
  for _ = 1, 20000 do
    local width = math.random() * 0.1 + 0.001
    local lower = 10 ^ (6 * math.random())
    local upper = lower * (1 + width) * (1 + math.random() * 10 ^ math.random(-6, 3))
    local estimate = math.random(3) > 1 and lower * 10 ^ (2 * math.random() - 1) or nil
    local carried = math.random(3) == 1 and lower + math.random() * (upper - lower) or nil
    local rate = next_load.default(known { lower = lower, upper = upper, width = width,
      estimate = estimate, margin = math.random() * 0.1 * lower, carried = carried })
    assert(lower < rate and rate < upper, ("%.17g is not in %.17g .. %.17g"):format(rate, lower,
      upper))
    rate = next_load.default(known { upper = upper, estimate = estimate })
    assert(rate > 0 and rate < upper)
  end
end)

-- A search of a target that carries 300/s and a burst (5), with this choice of loads.
local function searched(choice, more, burst)
  local now, options = 0, { next_load = choice, length = 3, now = false, wait = function() end }
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  options.now = function() return now end
  options.trial = function(load)
    now = now + load.length
    return results.bucket(load.rate, load.length, 300, burst or 5)
  end
  return search(options)
end

-- what a user's choice returns: what is said of it
for _, row in ipairs {
  { nil, "nil" }, { "fast", "fast" }, { {}, "table: " }, { 0, "0" }, { -5, "-5" },
  { 2e6, "2000000" }, { 0 / 0, "nan" }, { math.huge, "inf" },
} do
  test(("a next load of %s is an error that says so"):format(row[2]), function()
    local fine, problem = pcall(searched, function() return row[1] end)
    equal(fine, false)
    contains(problem:gsub("%-nan", "nan"), "next_load gave " .. row[2])
    contains(problem, ", which is not between 50 and 1000000")
  end)
end

test("neither end of the bracket is a next load", function()
  for _, side in ipairs { "lower", "upper" } do
    local fine, problem = pcall(searched, function(b)
      return b.lower and b.upper and b[side] or next_load.default(b)
    end)
    equal(fine, false)
    assert(problem:find("^next_load gave [%d.]+, which is not between [%d.]+ and [%d.]+"), problem)
  end
end)

test("an error in a user's choice is the error of the search, with its place", function()
  local fine, problem = pcall(searched, function(b) return b.lower.nothing end)
  equal(fine, false)
  contains(problem, "attempt to index a number value (field 'lower')")
  contains(problem, "next_load_test.lua")
end)

-- Steps of a half, and bisection in the middle alone.
local function bisect(b)
  if not b.upper then
    return math.min(b.lower * 1.5, b.max_rate)
  end
  return b.lower and math.sqrt(b.lower * b.upper) or b.upper / 2
end

for _, burst in ipairs { 5, 30, 300, 600 } do
  test(("a choice of the user's own finds the limit behind a burst of %d as well"):format(burst),
    function()
      local outcome = searched(bisect, {}, burst)
      equal(outcome.answer.limited_by, "target")
      assert(math.abs(outcome.answer.rate / 300 - 1) < 0.03, outcome.answer.rate)
      assert(#outcome.trials < 40, #outcome.trials)
    end)
end

test("whole numbers are rates, too", function()
  local outcome = searched(function(b) return math.floor(b.lower) + 10 end, { max_rate = 80 })
  local rates = {}
  for i = 1, 5 do
    rates[i] = ("%g"):format(outcome.trials[i].rate)
  end
  equal(table.concat(rates, " "), "50 60 70 80 80") -- the last trials confirm
end)

return t.finish()
