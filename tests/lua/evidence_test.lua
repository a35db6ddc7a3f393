-- What is kept of a search's trials, and what follows from it.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local evidence = require "tspam.search.evidence"
local stability = require "tspam.search.stability"
local test, equal = t.test, t.equal

--- The default goal of trials of 3 s.
local GOAL <const> = { final = 3, sum = 9, loss = 0.005, exceed = 0.5, width = 0.025,
  steady = true, first_final = 3 }

-- Adds a trial in which a share was missed -> that trial
local function add(e, rate, share, more)
  local trial = { rate = rate, length = 3, result = { first_failure = { time = 0, count = 0 } } }
  for name, value in pairs(more or {}) do
    trial[name] = value
  end
  local n = math.floor(rate * trial.length + 0.5)
  local misses = math.floor(n * share + 0.5)
  trial.figures = { n = n, misses = misses, loss = misses / n }
  e:add(trial)
  return trial
end

-- Evidence with a clean lowest load of so many seconds.
local function begun(seconds, share)
  local e = evidence.new { noise = 3 }
  add(e, 50, share or 0, { length = seconds or 3 })
  e:set_lowest(50)
  return e
end

local function near(got, want)
  assert(math.abs(got - want) < 1e-9, ("got %s, want %s"):format(got, want))
end

test("without a trial nothing is known", function()
  local e = evidence.new { noise = 3 }
  local own, known = e:own_share()
  equal(own, 0)
  equal(known, 0)
  equal(e:class(100, GOAL), "undecided")
  equal(next(e:bracket(GOAL)), nil)
  equal(#e:trials(100), 0)
end)

test("a trial that was set aside counts no more", function()
  local e = begun()
  local bad = add(e, 100, 0.5)
  equal(e:class(100, GOAL), "undecided")
  equal(e:bracket(GOAL).upper, 100)
  bad.aside = true
  equal(#e:trials(100), 0)
  equal(e:total(100), 0)
  equal(e:bracket(GOAL).upper, nil)
  add(e, 100, 0)
  equal(e:bracket(GOAL).lower, 100)
  equal(e:total(100), 300)
end)

test("a broken rule makes a trial one of high loss, but not for a goal of losses only", function()
  local e = begun(40)
  local slow = add(e, 400, 0, { broken = "slow" })
  equal(e:high(slow, GOAL), true)
  equal(e:high(slow, stability.goal(GOAL)), false)
end)

test("a goal of losses only wants more than twice its share, beyond chance", function()
  local e, goal = begun(40), stability.goal(GOAL)
  equal(e:high(add(e, 400, 0.009), goal), false)
  equal(e:high(add(e, 400, 0.014), goal), false) -- 17 where 12 are expected
  local lossy = add(e, 400, 0.03)
  equal(e:high(lossy, goal), true)
  lossy.result.first_failure.time = 1 -- all well for a third of it, then a burst was used up
  equal(e:high(lossy, goal), false)
end)

test("most seconds of low loss make a lower bound, most of high loss an upper one", function()
  local e = begun(40)
  local function is(class, lean)
    local got, side = e:class(400, GOAL)
    equal(got, class)
    equal(side, lean)
  end
  is("undecided", nil)
  add(e, 400, 0)
  is("undecided", "low")
  add(e, 400, 0.1)
  is("undecided", nil)
  add(e, 400, 0.1)
  is("upper", "high")
  add(e, 400, 0, { length = 9 })
  is("lower", "low")
end)

-- "50:0 100:0 200:10": rates and % lost -> evidence
local function of(text)
  local e = evidence.new { noise = 3 }
  for rate, percent, length in text:gmatch("(%d+):([%d.]+)x?(%d*)") do
    add(e, tonumber(rate), tonumber(percent) / 100, { length = tonumber(length) or 3 })
  end
  e:set_lowest(e.rates[1])
  return e
end

-- loads as above; lower, upper, which is tried again
for _, row in ipairs {
  { "50:0x40", 50, nil, nil },
  { "50:0x40 100:0 200:0", 200, nil, nil },
  { "50:0x40 100:0 200:30", 100, 200, nil },
  { "200:30 50:0x40 100:0", 100, 200, nil }, -- in any order
  { "50:0x40 100:0 200:30 400:0", 100, 200, nil }, -- a pass above a fail is none
  { "50:0x40 100:0 200:0 200:30", 100, nil, 200 }, -- one against one: to neither side
  { "50:0x40 100:0 100:30 200:0", 200, nil, nil }, -- and of no interest below a pass
  { "50:0x40 100:0 400:0.8", 100, 400, 400 }, -- 10 where 6 are expected: may be chance
  { "50:0x40 100:0 400:0.8 400:0.8", 100, 400, nil }, -- twice
  { "50:0x40 100:0 400:3 400:0x2", 100, 400, 400 }, -- contradicted
  { "50:0x40 100:0 400:3 400:3 400:0x2", 100, 400, nil },
} do
  local text, lower, upper, again = table.unpack(row)
  test(("'%s' is bracketed by %s and %s"):format(text, lower, upper), function()
    local b = of(text):bracket(GOAL)
    equal(b.lower, lower)
    equal(b.upper, upper)
    equal(b.again and b.again.rate, again)
    equal(b.again and b.again.length, again and 3)
  end)
end

test("the bounds of a bracket have their class", function()
  local b = of("50:0x40 100:0 100:0 200:30 200:30"):bracket(GOAL)
  equal(b.lower_class, "lower")
  equal(b.upper_class, "upper")
  b = of("50:0x40 100:0 200:30"):bracket(GOAL)
  equal(b.lower_class, "undecided")
  equal(b.upper_class, "undecided")
end)

test("a rule that is broken once is looked at again, unless it leaves no doubt", function()
  local e = begun(40)
  local slow = add(e, 400, 0, { broken = "slow" })
  equal(e:bracket(GOAL).again.rate, 400)
  slow.clear = true
  equal(e:bracket(GOAL).again, nil)
end)

test("where no trial may be of high loss, one is enough", function()
  local strict = { final = 3, sum = 9, loss = 0.005, exceed = 0, width = 0.025 }
  local b = of("50:0x40 100:0 400:0.8"):bracket(strict)
  equal(b.upper, 400)
  equal(b.upper_class, "upper")
  equal(b.again, nil)
end)

test("a load above the steady rate that passes was carried by a burst, and is no bound", function()
  local e = of("50:0x40 300:0 400:0 800:30")
  equal(e:bracket(GOAL).lower, 400)
  e.steady = { rate = 350, burst = 400 }
  local b = e:bracket(GOAL)
  equal(b.lower, 300)
  equal(b.carried, 400)
  equal(b.upper, 800)
  e = of("50:0x40 300:0 400:0x1 800:30")
  e.steady = { rate = 350, burst = 400 }
  equal(e:bracket(GOAL).carried, nil) -- that trial was short: it tells nothing
  local asked = { final = 3, sum = 9, loss = 0.005, exceed = 0.5, width = 0.025 }
  equal(of("50:0x40 300:0 400:0 800:30"):bracket(asked).lower, 400) -- the user's goal says so
end)

test("5,000 random searches: lower is below upper, and nothing between them leans", function()
  math.randomseed(5)
  for _ = 1, 5000 do
    local e = begun(40)
    for _ = 1, math.random(0, 12) do
      add(e, 50 * 2 ^ math.random(5), math.random(3) == 1 and math.random() * 0.1 or 0,
        { length = math.random(4), aside = math.random(8) == 1 or nil })
    end
    local b = e:bracket(GOAL)
    assert(b.lower and b.lower < (b.upper or math.huge), b.lower)
    for _, rate in ipairs(e.rates) do
      local _, lean = e:class(rate, GOAL)
      assert(not lean or rate <= b.lower or rate >= (b.upper or math.huge))
    end
    local again = b.again and b.again.rate
    assert(not again or again > b.lower and again <= (b.upper or math.huge))
  end
end)

test("the bounds that are told are strictly the RFC's, with the conditional throughput", function()
  local goal = { final = 3, sum = 6, loss = 0.005, exceed = 0.5, width = 0.025 }
  local e = of("50:0x40 100:0 100:0 200:0.2 200:10 400:10 400:10 800:0 800:0")
  local lower, upper, throughput = e:bounds(goal)
  equal(lower, 200)
  equal(upper, 400)
  near(throughput, 200 * (1 - 1 / 600)) -- that of its better trial
  lower, upper, throughput = of("50:0x2"):bounds(goal)
  equal(lower, nil)
  equal(upper, nil)
  equal(throughput, nil)
end)

return t.finish()
