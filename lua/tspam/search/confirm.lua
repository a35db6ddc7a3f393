--- Is a bracket sure? confirm(search, bracket, goal) makes one more trial where something
-- is missing and -> "narrow" (look at the evidence again), "unstable", or nil: it is sure.
-- search.confirmed says whether a longer trial passed at the lower bound.

local chance = require "tspam.search.chance"
local stability = require "tspam.search.stability"

--- The confirming trial outlasts the others by this factor.
local CONFIRM <const> = 3
--- A bound's share of misses is clear of the goal: the chance that it is in truth so many
-- times the goal, or so much less, is small.
local NEAR <const>, SELDOM <const> = 2, 0.005
--- Trials that break a rule, less those that do not.
local BROKEN <const> = 3
--- The most that is measured at one load to be sure, in lengths of a trial, and the longest
-- trial for that, in seconds.
local MOST <const>, LONGEST <const> = 20, 30
--- Longer trials at one load.
local LONG_TRIALS <const> = 3

local function seconds_at(s, rate)
  local sum = 0
  for _, trial in ipairs(s.evidence:trials(rate)) do
    sum = sum + trial.length
  end
  return sum
end

-- -> a longer trial passed there; how many longer ones there were
local function long_trials(s, rate, goal)
  local length, passed, n = CONFIRM * goal.first_final, false, 0
  for _, trial in ipairs(s.evidence:trials(rate)) do
    if trial.length >= length or goal.grown and trial.length >= goal.final then
      n, passed = n + 1, passed or not s.evidence:high(trial, goal)
    end
  end
  return passed, n
end

local function clearly_low(s, rate, goal)
  local n, misses = s.evidence:total(rate)
  local most = s.evidence:own_share() + NEAR * goal.loss
  return goal.loss == 0 or chance.at_most(misses, n * most) < SELDOM
end

-- Three more trials that break a rule than trials that do not: a disturbance of this
-- machine's breaks one now and then. Or more misses than half the goal explains.
local function clearly_high(s, rate, goal)
  local broken = 0
  for _, trial in ipairs(s.evidence:trials(rate)) do
    broken = broken + (trial.broken and 1 or s.evidence:high(trial, goal) and 0 or -1)
  end
  local n, misses = s.evidence:total(rate)
  local least = s.evidence:own_share() + goal.loss / NEAR
  return broken >= BROKEN or goal.loss == 0 or chance.at_least(misses, n * least) < SELDOM
end

local function enough(s, rate, goal)
  return seconds_at(s, rate) >= MOST * goal.first_final
end

-- As long again as all so far.
local function more(s, rate, goal)
  local so_far = seconds_at(s, rate)
  s:attempt(rate, math.max(goal.final, math.min(so_far, LONGEST)))
  return "narrow"
end

-- Above the load a rule is broken, whatever is lost besides: a queue grows.
local function queues(s, b, goal)
  for _, trial in ipairs(b.upper and not b.own and s.evidence:trials(b.upper) or {}) do
    if trial.broken and s.evidence:high(trial, goal) then
      return true
    end
  end
  return false
end

-- Losses without a model that explains what passes and what fails: luck is ruled out by
-- number.
local function stable(s, b, goal)
  local contradictions = #stability.contradictions(s.evidence, goal)
  if contradictions == 0 and (s.evidence.steady or queues(s, b, goal)) then
    return nil
  end
  local class = s.evidence:class(b.lower, s.stable_goal)
  if class == "undecided" then
    return s:attempt(b.lower, s.stable_goal.final) and "narrow" or nil
  end
  return class == "upper" and "unstable" or nil
end

return function(s, b, goal)
  if not goal.steady then
    s.confirmed = b.lower_class == "lower" -- the user's goal says what is enough
    return nil
  end
  local passed, n = long_trials(s, b.lower, goal)
  s.confirmed = passed
  if not passed and n < LONG_TRIALS then
    -- This machine's limit may come in the longer trial.
    return s:attempt(b.lower, CONFIRM * goal.first_final) and "narrow" or nil
  elseif not clearly_low(s, b.lower, goal) and not enough(s, b.lower, goal) then
    return more(s, b.lower, goal)
  elseif b.upper and not b.own and not clearly_high(s, b.upper, goal)
    and not enough(s, b.upper, goal) then
    return more(s, b.upper, goal)
  end
  return stable(s, b, goal)
end
