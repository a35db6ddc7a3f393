--- Do the trials of a load agree with each other? Trials that lose much at a load where
-- others lose nothing are not told apart by any goal that looks at a majority: the
-- load is carried now and then.
--
-- stability.goal(goal) -> a goal in the terms of RFC 9971 that no surely lossy trial may
--   exceed, of short trials, in such a number that luck does not pass for stability
-- stability.contradictions(evidence, goal) -> the lossy trials that a trial contradicts
--   which passed at the same load or a higher one, was no shorter, and lost less by more
--   than chance

local failures = require "tspam.failures"
local full_table = require "tspam.full_table"

local stability = {}

--- The duration sum, in final trial durations of the search's goal: what a confirmed load
-- has, and four more short trials. The chance that a load which every other trial
-- fails passes all of them is 2^-7.
local SUM <const> = 5 + 4 / 3
--- Shorter trials, in seconds, tell too little.
local SHORTEST <const> = 1
--- Trials disagree when their shares of misses are so many standard deviations apart.
local BEYOND <const> = 4.5
--- Failures of which so many fall into so short a part of the trial met a disturbance.
local NEARLY_ALL <const>, SHORT <const> = 0.95, 0.25
--- A median that climbs by less, in seconds, is noise.
local CLIMB <const> = 5e-3
--- So much more may fail than was due while the target served nobody.
local OUT <const>, FEW <const> = 1.2, 5
--- The highest stable load is not looked for more closely than this.
local WIDTH <const> = 0.05

function stability.goal(goal)
  local final = math.min(goal.first_final, math.max(SHORTEST, goal.first_final / 3))
  return { name = "stable", final = final, sum = goal.first_final * SUM, loss = goal.loss,
    exceed = 0, width = math.max(WIDTH, goal.width), losses_only = true,
    first_final = goal.first_final }
end

-- Two shares of misses that differ by more than chance.
local function differ(a, b)
  local share = (a.misses + b.misses) / (a.n + b.n)
  return a.loss - b.loss > BEYOND * math.sqrt(share * (1 - share) * (1 / a.n + 1 / b.n))
end

local function contradicted(evidence, goal, lossy)
  for _, trial in ipairs(evidence:trials_from(lossy.rate)) do
    if trial.length >= lossy.length * 0.99 and not evidence:high(trial, goal)
      and differ(lossy.figures, trial.figures) then
      return true
    end
  end
  return false
end

function stability.contradictions(evidence, goal)
  local list = {}
  for _, trial in ipairs(evidence:trials_from(0)) do
    if trial.figures.loss > evidence:allowed(trial.figures, goal)
      and not evidence.well_at_first(trial) and contradicted(evidence, goal, trial) then
      list[#list + 1] = trial
    end
  end
  return list
end

-- The latency climbs up to a moment: a queue grew until it was given up.
local function climbs(result, time)
  local first, last
  for _, slice in ipairs(result.timeline) do
    if slice.time <= time + 1e-6 and slice.p50 then
      first, last = first or slice.p50, slice.p50
    end
  end
  return last ~= nil and last > 2 * first and last - first > CLIMB
end

-- Nearly all failures within a short part of the trial, and not at its end, where a burst may
-- have been used up: -> from, to (seconds in the trial), or nil. A time-out is counted when
-- it has passed.
local function disturbed(result)
  local silent = (failures.worst(result) or ""):find("^timeout/")
  local late = silent and result.spec and result.spec.timeout or 0
  local from, to, sum, before = nil, nil, 0, 0
  for _, slice in ipairs(result.timeline) do
    if slice.failed > 0 and sum < NEARLY_ALL * result.failed then
      from, to = from or before, slice.time
      sum = sum + slice.failed
    end
    before = slice.time
  end
  if not from or result.failed < FEW or to - from > SHORT * result.length
    or to - late > (1 - SHORT / 2) * result.length then
    return nil
  end
  return math.max(0, from - late), math.max(0, to - late)
end

-- The only time in a trial in which the target served nobody. (Where it served nobody in all
-- of the trial, the load may be why.)
local function only_gap(result)
  local gaps = full_table.gaps(result)
  local gap = #gaps == 1 and gaps[1]
  if not gap or gap.from <= 0 and not gap.to then
    return nil
  end
  return gap.from, math.min(gap.to or result.length, result.length)
end

--- A time in a trial in which the target served nobody, where that explains its failures:
-- -> from, to (seconds in the trial), connections that got through before; or nil
function stability.outage(result)
  local from, to = only_gap(result)
  if not from or result.failed > OUT * (result.rate * (to - from) + FEW) then
    from, to = disturbed(result)
  end
  if not from or climbs(result, from) then
    return nil
  end
  local count, first = 0, result.first_failure
  for _, slice in ipairs(result.timeline) do
    count = count + (slice.time <= from + 1e-6 and slice.ok or 0)
  end
  return from, to, math.min(count, first and first.count or math.huge)
end

return stability
