--- Narrows the bracket of a goal until both its bounds are classified and near each other.
-- narrow(search, goal) -> the bracket. All choices follow from the evidence.

local lowest = require "tspam.search.lowest"
local next_load = require "tspam.search.next_load"
local overload = require "tspam.search.overload"

--- This machine's own limit is not worth more precision.
local OWN_WIDTH <const> = 0.1
--- No load below this part of the start is looked at.
local LEAST <const> = 1 / 4096
--- The longest final trial duration that a burst may ask for, in seconds, unless the
-- user's is longer.
local LONGEST <const> = 20

-- What got through where it failed last: an estimate of what the target carries.
local function estimate(s, b, goal)
  local model = goal.steady and s.evidence.steady
  if model and not (b.upper and model.rate >= b.upper) then
    return model.rate, model.burst / goal.final + 0.01 * model.rate
  end
  local trials = b.upper and s.evidence:trials(b.upper) or {}
  for i = #trials, 1, -1 do
    local through = s.evidence:high(trials[i], goal) and overload.through(s.evidence, trials[i])
    -- Close below the load it says little: some are lost at any load there.
    if through and through < b.upper / (1 + goal.width) then
      return through, 0.01 * through
    end
  end
end

-- A model of the target's burst, once two overloads agree: its final trial duration is what
-- it takes to use the burst up.
local function learn_burst(s, goal)
  if not goal.steady then
    return
  end
  local model = overload.model(s.evidence, goal)
  s.evidence.steady = model
  local needed = model and model.burst / (2 * goal.width * model.rate) or 0
  local final = math.min(needed, math.max(LONGEST, goal.first_final))
  if final > goal.final * 1.5 then
    final = math.ceil(final)
    goal.final, goal.sum, goal.grown = final, final, true
  end
end

-- Is the bracket as narrow as it can be? What lies between the steady rate and the load that
-- fails is the burst.
local function is_narrow(b, goal)
  local width = b.own and math.max(OWN_WIDTH, goal.width) or goal.width
  if b.upper <= b.lower * (1 + width) * (1 + 1e-9) then
    return true
  end
  local step = math.sqrt(1 + goal.width)
  local highest = math.max(b.estimate and b.estimate * step + b.margin or 0,
    (b.carried or 0) * (1 + goal.width))
  return b.steady and b.estimate and b.lower >= b.estimate / step * (1 - 1e-9)
    and b.upper <= highest * (1 + 1e-9)
end

-- This machine's limit is an upper end as well: below it the target's may be found.
local function bracket(s, goal)
  local b = s.evidence:bracket(goal)
  if s.own and (not b.upper or s.own.rate <= b.upper) and s.own.rate > (b.lower or 0) then
    b.upper, b.own, b.again = s.own.rate, true, nil
  end
  local options = s.options
  b.start, b.max_rate, b.increment = options.start, options.max_rate, options.increment
  b.width, b.steady = goal.width, goal.steady and s.evidence.steady ~= nil
  if not b.own then
    b.estimate, b.margin = estimate(s, b, goal)
  end
  return b
end

-- "300", "2000000"; what is no number as it is.
local function shown(value)
  return math.type(value) and ("%.10g"):format(value) or tostring(value)
end

local function check(rate, b)
  local low, high = b.lower or 0, b.upper or b.max_rate
  local inside = math.type(rate) and rate > low
    and (rate < high or rate == high and not b.upper)
  if not inside then
    error(("next_load gave %s, which is not between %s and %s"):format(shown(rate), shown(low),
      shown(high)), 0)
  end
  return rate + 0.0
end

-- -> the next load and the length of its trial; nil when all is classified
local function next_trial(s, b, goal)
  local first = math.min(goal.final, s.options.length)
  if b.again then
    return b.again.rate, b.again.length
  elseif not b.lower and not b.upper then
    return b.start, first -- all trials were set aside
  elseif not b.lower and b.upper < s.options.start * LEAST then
    return nil
  elseif b.lower and not b.upper and b.lower >= s.options.max_rate
    or b.lower and b.upper and is_narrow(b, goal) then
    if b.lower_class == "undecided" then
      return b.lower, goal.final
    elseif b.upper and not b.own and b.upper_class == "undecided" then
      return b.upper, goal.final
    end
    return nil
  end
  local rate = check(s.options.next_load(b), b)
  -- A load that a burst carried bounds nothing, however often it is measured.
  if b.lower and b.upper and #s.evidence:trials(rate) > 0 then
    rate = next_load.inside(b)
  end
  return rate, goal.grown and goal.final or first
end

return function(s, goal)
  while true do
    learn_burst(s, goal)
    local b = bracket(s, goal)
    local rate, length = next_trial(s, b, goal)
    if not rate then
      return b
    end
    local trial = s:attempt(rate, length)
    if not trial and rate <= (b.lower or 0) then
      return b -- this machine's limit came where a trial passed before: no more can be known
    end
    if trial and trial.rate < s.evidence.lowest.rate and not s.evidence:high(trial, goal) then
      s.evidence:set_lowest(trial.rate) -- a burst had carried the one that was the lowest
      s.path_seconds = 0
    end
    if trial and (trial.rate == s.evidence.lowest.rate and trial.figures.misses > 0
      or lowest.needed(s, trial, goal)) then
      lowest.know_path(s)
    end
    if goal.unstable and goal.unstable(s) then
      return bracket(s, goal)
    end
  end
end
