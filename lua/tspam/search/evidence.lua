--- What was measured at each load, and what follows from it. No moods: every valid
-- trial is kept, and all else is derived.
--
--   local evidence = require("tspam.search.evidence").new { noise = 3 }
--   evidence:add(trial)      trial: {rate, length, result, figures, broken, clear}
--   evidence:set_lowest(rate)  the load that others are compared with
--   evidence:bracket(goal)   -> {lower, upper, again, …}, see there

local chance = require "tspam.search.chance"
local classify = require "tspam.search.classify"

local Evidence = {}
Evidence.__index = Evidence

--- A trial's misses are beyond doubt where chance explains them as seldom as this.
local SELDOM <const> = 1e-3
--- The good part of a trial.
local WELL <const> = 0.15
--- So many times the goal is much more than it allows.
local MUCH <const> = 2

--- Keeps a trial. One that is set aside later (trial.aside) counts no more.
function Evidence:add(trial)
  local list = self.at[trial.rate]
  if not list then
    list = {}
    self.at[trial.rate] = list
    table.insert(self.rates, trial.rate)
    table.sort(self.rates)
  end
  list[#list + 1] = trial
end

--- The trials of a load that count.
function Evidence:trials(rate)
  local list = {}
  for _, trial in ipairs(self.at[rate] or {}) do
    list[#list + 1] = not trial.aside and trial or nil
  end
  return list
end

--- The trials that count at this load and all above it, the lowest load's first.
function Evidence:trials_from(lowest)
  local list = {}
  for _, rate in ipairs(self.rates) do
    for _, trial in ipairs(rate >= lowest and self:trials(rate) or {}) do
      list[#list + 1] = trial
    end
  end
  return list
end

--- Connections and misses of a load's trials.
function Evidence:total(rate)
  local n, misses = 0, 0
  for _, trial in ipairs(self:trials(rate)) do
    n, misses = n + trial.figures.n, misses + trial.figures.misses
  end
  return n, misses
end

--- The load whose losses are the path's own, and whose latency is the measure. Trials
-- at other loads never change either.
function Evidence:set_lowest(rate)
  self.lowest = { rate = rate, figures = self:trials(rate)[1].figures }
end

--- The path's own share of misses, and of how many connections it is known.
function Evidence:own_share()
  if not self.lowest then
    return 0, 0
  end
  local n, misses = self:total(self.lowest.rate)
  return n > 0 and misses / n or 0, n
end

--- The share of misses that a trial may have (its figures: n, misses): the path's own, and
-- the goal's or what chance explains. Two shares are compared, so the path's own is as
-- uncertain as what both lost in all says. (Of a path that lost none: one miss is added, for
-- none in n is not none ever.) A goal without loss on a path without loss is that: none.
function Evidence:allowed(t, goal)
  local own, known = self:own_share()
  if known == 0 or goal.loss == 0 and own == 0 then
    return own + goal.loss
  end
  local share = own > 0 and (own * known + t.misses) / (known + t.n) or 1 / (known + 2)
  local sigma = math.sqrt(share * (1 - share) * (1 / math.max(t.n, 1) + 1 / known))
  return own + math.max(goal.loss, self.noise * sigma)
end

--- Is a trial of high loss for a goal? A goal with losses_only looks at nothing else, and
-- wants to be sure of much more than it allows.
function Evidence:high(trial, goal)
  local t = trial.figures
  if goal.losses_only then
    return not self.well_at_first(trial) and self:surely_above(trial, MUCH * goal.loss)
  end
  return trial.broken ~= nil or t.loss > self:allowed(t, goal)
end

--- Did all get through for a good part of the trial? Then a burst was used up, or the target
-- broke off: of what it loses from there on, other trials that pass say nothing.
function Evidence.well_at_first(trial)
  local first = trial.figures.overload or trial.result.first_failure
  return first ~= nil and first.time > WELL * trial.length
end

--- Does a trial lose more than this share, besides the path's own, by more than chance?
function Evidence:surely_above(trial, share)
  local t, own = trial.figures, self:own_share()
  return t.loss > own + share and chance.at_least(t.misses, t.n * (own + share)) < SELDOM
end

--- The trials of a load as tspam.search.classify wants them.
function Evidence:view(rate, goal)
  local list = {}
  for i, trial in ipairs(self:trials(rate)) do
    list[i] = { length = trial.length, loss = trial.figures.loss, high = self:high(trial, goal) }
  end
  return list
end

--- "lower", "upper" or "undecided"; and to which side what was seen leans ("low",
-- "high", nil: to none).
function Evidence:class(rate, goal)
  local seconds = classify.seconds(self:view(rate, goal), goal)
  local class = classify.load(seconds, goal)
  local low, high = seconds.full_low + seconds.short_low, seconds.full_high + seconds.short_high
  if class ~= "undecided" then
    return class, class == "lower" and "low" or "high"
  end
  return class, low > high and "low" or high > low and "high" or nil
end

-- A load that only its burst carried, so far as is known, leans to no side.
local function by_burst(self, rate, goal)
  return goal.steady and self.steady and rate > self.steady.rate
end

local function longest(trials)
  local length = 0
  for _, trial in ipairs(trials) do
    length = math.max(length, trial.length)
  end
  return length
end

-- One trial that is not beyond doubt, or that others at its load contradict, is
-- repeated before it bounds anything. -> its length
local function doubtful(self, rate, goal)
  local high, low = nil, 0
  for _, trial in ipairs(self:trials(rate)) do
    if not self:high(trial, goal) then
      low = low + 1
    elseif high then
      return nil
    else
      high = trial
    end
  end
  local sure = goal.exceed == 0 or high and low == 0
    and (high.clear or self:surely_above(high, goal.loss))
  return not sure and high and high.length or nil
end

--- The bracket of a goal: {lower, upper: loads that lean to low and high loss, the
-- nearest; lower_class, upper_class; carried: the highest load that only a burst carried;
-- again {rate, length}: a load within that needs one more trial before it is either}. lower is
-- always below upper.
function Evidence:bracket(goal)
  local b, even = {}, {}
  for _, rate in ipairs(self.rates) do
    local class, lean = self:class(rate, goal)
    local trials = self:trials(rate)
    if lean == "high" then
      b.upper, b.upper_class = rate, class
      local length = doubtful(self, rate, goal)
      b.again = length and { rate = rate, length = length }
      break
    elseif lean == "low" and by_burst(self, rate, goal) then
      b.carried = longest(trials) >= goal.final and rate or b.carried
    elseif lean == "low" then
      b.lower, b.lower_class, even = rate, class, {}
    elseif not lean and #trials > 0 then
      even[#even + 1] = { rate = rate, length = trials[#trials].length }
    end
  end
  b.again = b.again or even[1]
  return b
end

--- The bounds of a goal, strictly by RFC 9971: relevant lower and upper bound, and the
-- conditional throughput of the former.
function Evidence:bounds(goal)
  local loads = {}
  for i, rate in ipairs(self.rates) do
    loads[i] = { rate = rate, class = (self:class(rate, goal)) }
  end
  local lower, upper = classify.bounds(loads)
  return lower, upper,
    lower and classify.conditional_throughput(lower, self:view(lower, goal), goal)
end

return {
  new = function(options)
    return setmetatable({ at = {}, rates = {}, noise = options.noise or 3 }, Evidence)
  end,
}
