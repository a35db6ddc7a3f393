-- How a load is classified: the worked examples of RFC 9971, and its pseudocode.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local classify = require "tspam.search.classify"
local test, equal = t.test, t.equal

-- The goals of its Example Search.
local GOALS <const> = {
  { code = "60f60d0l0e", final = 60, sum = 60, loss = 0, exceed = 0 },
  { code = "60f120d0l50e", final = 60, sum = 120, loss = 0, exceed = 0.5 },
  { code = "1f120d.5l50e", final = 1, sum = 120, loss = 0.005, exceed = 0.5 },
  { code = "60f60d0.5l20e", final = 60, sum = 60, loss = 0.005, exceed = 0.2 },
}

-- What each point of it adds: trials, their length, their loss.
local POINTS <const> = {
  { 59, 1, 0 }, { 1, 1, 0.01 }, { 59, 1, 0.01 }, { 1, 1, 0 }, { 1, 60, 0.001 }, { 1, 60, 0 },
}

-- Its tables, a column per goal: full-length high and low, short high and low, effective
-- high-loss sum, effective whole sum, optimistic and pessimistic exceed ratio (%), result.
-- (For the last goal the draft prints "Lower Bound" at points 5 and 6. By its own code and its
-- own figures, 42.857 % and 27.273 % are more than 20 %, both are upper bounds.)
local TABLES <const> = {
  {
    { 0, 0, 0, 59, 0, 60, 0, 100, "undecided" },
    { 0, 0, 0, 59, 0, 120, 0, 100, "undecided" },
    { 0, 59, 0, 0, 0, 120, 0, 50.833, "undecided" },
    { 0, 0, 0, 59, 0, 60, 0, 100, "undecided" },
  }, {
    { 0, 0, 1, 59, 1, 60, 1.667, 100, "upper" },
    { 0, 0, 1, 59, 0, 120, 0, 100, "undecided" },
    { 1, 59, 0, 0, 1, 120, 0.833, 50.833, "undecided" },
    { 0, 0, 1, 59, 0, 60, 0, 100, "undecided" },
  }, {
    { 0, 0, 60, 59, 60, 60, 100, 100, "upper" },
    { 0, 0, 60, 59, 1, 120, 0.833, 100, "undecided" },
    { 60, 59, 0, 0, 60, 120, 50, 50.833, "undecided" },
    { 0, 0, 60, 59, 45.25, 60, 75.417, 100, "upper" },
  }, {
    { 0, 0, 60, 60, 60, 60, 100, 100, "upper" },
    { 0, 0, 60, 60, 0, 120, 0, 100, "undecided" },
    { 60, 60, 0, 0, 60, 120, 50, 50, "lower" },
    { 0, 0, 60, 60, 45, 60, 75, 100, "upper" },
  }, {
    { 60, 0, 60, 60, 120, 120, 100, 100, "upper" },
    { 60, 0, 60, 60, 60, 120, 50, 100, "undecided" },
    { 60, 120, 0, 0, 60, 180, 33.333, 33.333, "lower" },
    { 0, 60, 60, 60, 45, 105, 42.857, 42.857, "upper" },
  }, {
    { 60, 60, 60, 60, 120, 180, 66.667, 66.667, "upper" },
    { 60, 60, 60, 60, 60, 120, 50, 50, "lower" },
    { 60, 180, 0, 0, 60, 240, 25, 25, "lower" },
    { 0, 120, 60, 60, 45, 165, 27.273, 27.273, "upper" },
  },
}

local function near(got, want)
  assert(math.abs(got - want) < 1e-3, ("got %s, want %s"):format(got, want))
end

-- All trials up to a point, as a goal sees them.
local function trials_until(point, goal)
  local trials = {}
  for i = 1, point do
    local n, length, loss = table.unpack(POINTS[i])
    for _ = 1, n do
      trials[#trials + 1] = { length = length, loss = loss, high = loss > goal.loss }
    end
  end
  return trials
end

for point, columns in ipairs(TABLES) do
  for i, goal in ipairs(GOALS) do
    local full_high, full_low, short_high, short_low, effective, whole, optimistic, pessimistic,
      class = table.unpack(columns[i])
    test(("RFC 9971, point %d: for goal %s the load is %s"):format(point, goal.code, class),
      function()
        local s = classify.seconds(trials_until(point, goal), goal)
        equal(s.full_high, full_high)
        equal(s.full_low, full_low)
        equal(s.short_high, short_high)
        equal(s.short_low, short_low)
        local high, all = classify.effective(s, goal)
        near(high, effective)
        near(all, whole)
        near(100 * high / all, optimistic)
        near(100 * (all - s.full_low) / all, pessimistic)
        equal(classify.load(s, goal), class)
      end)
  end
end

for i, frames in pairs { [2] = 1e6, [3] = 1e6, [4] = 999e3 } do
  test(("RFC 9971: the conditional throughput of goal %d is %d frames"):format(i, frames),
    function()
      local trials = trials_until(#POINTS, GOALS[i])
      near(classify.conditional_throughput(1e6, trials, GOALS[i]), frames)
      near(classify.conditional_throughput(1e6, table.move(trials, 1, #trials, 1, {}), GOALS[i]),
        frames)
    end)
end

-- Appendix "Load Classification Code", line by line.
local function rfc_class(s, goal)
  local exceed_coefficient = goal.exceed / (1.0 - goal.exceed)
  local balancing_s = s.short_low * exceed_coefficient
  local positive_excess_s = math.max(0.0, s.short_high - balancing_s)
  local effect_high_loss_s = s.full_high + positive_excess_s
  local effect_full_length_s = s.full_low + effect_high_loss_s
  local effect_whole_s = math.max(effect_full_length_s, goal.sum)
  local quantile_duration_s = effect_whole_s * goal.exceed
  local pessimistic_high_loss_s = effect_whole_s - s.full_low
  local pessimistic_is_lower = pessimistic_high_loss_s <= quantile_duration_s
  local optimistic_is_lower = effect_high_loss_s <= quantile_duration_s
  return pessimistic_is_lower and optimistic_is_lower and "lower"
    or not pessimistic_is_lower and not optimistic_is_lower and "upper" or "undecided"
end

-- Appendix "Conditional Throughput Code".
local function rfc_throughput(load, sorted, s, goal)
  local whole_s = math.max(goal.sum, s.full_low + s.full_high)
  local remaining, quantile_loss_ratio = whole_s * (1.0 - goal.exceed), nil
  for _, trial in ipairs(sorted) do
    if quantile_loss_ratio and remaining <= 0.0 then
      return load * (1.0 - quantile_loss_ratio)
    end
    quantile_loss_ratio = trial.loss
    remaining = remaining - trial.length
  end
  if remaining > 0.0 then
    quantile_loss_ratio = 1.0
  end
  return load * (1.0 - quantile_loss_ratio)
end

--- Exceed ratios whose exceed coefficient is a binary fraction: then all sums are exact.
local EXACT <const> = { 0, 0.5, 0.75 }

local function random_trials(goal)
  local trials, full = {}, {}
  for i = 1, math.random(0, 12) do
    local loss = math.random(0, 4) / 256
    trials[i] = { length = math.random(1, 8), loss = loss, high = loss > goal.loss }
    full[#full + 1] = trials[i].length >= goal.final and trials[i] or nil
  end
  table.sort(full, function(a, b) return a.loss < b.loss end)
  return trials, full
end

test("20,000 random lists of trials are classified as by the RFC's pseudocode", function()
  math.randomseed(9971)
  local seen = {}
  for _ = 1, 20000 do
    local goal = { final = math.random(1, 8), sum = math.random(1, 40),
      loss = math.random(0, 2) / 256, exceed = EXACT[math.random(#EXACT)] }
    local trials, full = random_trials(goal)
    local s = classify.seconds(trials, goal)
    local class = classify.load(s, goal)
    equal(class, rfc_class(s, goal))
    seen[class] = (seen[class] or 0) + 1
    local throughput = classify.conditional_throughput(1000, trials, goal)
    equal(throughput, full[1] and rfc_throughput(1000, full, s, goal) or nil)
  end
  assert(seen.lower > 1000 and seen.upper > 1000 and seen.undecided > 1000)
end)

local function class_of(trials, goal)
  return classify.load(classify.seconds(trials, goal), goal)
end

local function trial(length, high)
  return { length = length, high = high or false, loss = high and 0.1 or 0 }
end

test("a load without a trial is undecided, and has no throughput", function()
  for _, goal in ipairs(GOALS) do
    equal(class_of({}, goal), "undecided")
    equal(classify.conditional_throughput(1000, {}, goal), nil)
  end
end)

test("short trials alone make an upper bound, never a lower one, and have no throughput", function()
  local goal = { final = 10, sum = 30, loss = 0, exceed = 0.5 }
  local low, high = {}, {}
  for i = 1, 100 do
    low[i], high[i] = trial(9), trial(9, true)
  end
  equal(class_of(low, goal), "undecided")
  equal(class_of(high, goal), "upper")
  equal(classify.conditional_throughput(1000, low, goal), nil)
end)

test("at an exceed ratio of 0 one trial of high loss is an upper bound, however many pass",
  function()
    local goal = { final = 10, sum = 30, loss = 0, exceed = 0 }
    local trials = { trial(10), trial(10) }
    equal(class_of(trials, goal), "undecided")
    trials[3] = trial(10)
    equal(class_of(trials, goal), "lower")
    trials[4] = trial(1, true)
    equal(class_of(trials, goal), "upper")
  end)

test("seconds that are no binary fractions add up all the same", function()
  local trials = {}
  for i = 1, 5 do
    trials[i] = trial(0.7, i == 1)
  end
  equal(class_of(trials, { final = 0.7, sum = 3.5, loss = 0, exceed = 0.2 }), "lower")
  for i = 1, 10 do
    trials[i] = trial(0.1, i == 1)
  end
  equal(class_of(trials, { final = 0.1, sum = 1, loss = 0, exceed = 0.1 }), "lower")
end)

test("a throughput that the missing seconds decide is 0", function()
  local goal = { final = 10, sum = 60, loss = 0, exceed = 0.5 }
  equal(classify.conditional_throughput(1000, { trial(10), trial(10) }, goal), 0)
  equal(classify.conditional_throughput(1000, { trial(10), trial(10), trial(10, true) }, goal),
    900)
end)

-- loads ("100 lower, 200 upper"), relevant lower bound, relevant upper bound
for _, row in ipairs {
  { "", nil, nil },
  { "100 lower", 100, nil },
  { "100 upper", nil, 100 },
  { "100 lower, 200 undecided, 300 upper", 100, 300 },
  { "300 upper, 100 lower, 200 lower", 200, 300 },
  { "100 lower, 200 upper, 300 lower", 100, 200 }, -- loss inversion
  { "100 upper, 200 lower, 300 upper", nil, 100 },
  { "50 lower, 100 upper, 200 upper, 150 lower", 50, 100 },
} do
  local text, lower, upper = row[1], row[2], row[3]
  test(("relevant bounds of '%s' are %s and %s"):format(text, lower, upper), function()
    local loads = {}
    for rate, class in text:gmatch("(%d+) (%l+)") do
      loads[#loads + 1] = { rate = tonumber(rate), class = class }
    end
    local got_lower, got_upper = classify.bounds(loads)
    equal(got_lower, lower)
    equal(got_upper, upper)
  end)
end

return t.finish()
