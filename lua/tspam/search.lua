--- Finds the rate at which a target saturates. No sockets: it is handed a trial.
-- search(trial, goals) -> outcome (goals is not changed)
--   trial(rate, length, n) -> what tspam.run returns | nil, message
--   outcome: answer {rate, lower, upper, limited_by, reason, confirmed, burst}; with a
--     burst {connections, time, recovery} of a full table there is no rate that lasts;
--     trials (list of {rate, length, trial, why, result}), baseline,
--     made (connections in all), conclusive (the answer is about the target),
--     error (a trial could not run)
-- It climbs until a rate fails twice, bisects geometrically between the last
-- pass and the fail, and confirms with a longer trial, since the burst that a
-- limiter lets through looks like rate in a short one.

local tspam = require "tspam"
local failures = require "tspam.failures"
local format = require "tspam.format"
local judge = require "tspam.search.judge"
local settle = require "tspam.search.settle"
local trials = require "tspam.search.trials"

--- fixed_increment: do not widen the steps. noise: in standard deviations.
-- recover: seconds to wait for a target that answers no more.
-- Hooks: on_trial(entry, n); on_baseline(result) -> true to make it again;
-- wait(seconds) -> false when interrupted; now() -> seconds, of the same clock.
local DEFAULTS = {
  start = 50, max_rate = 1e6, increment = 1.25, slowdown = 2, max_failures = 0.005,
  precision = 0.025, length = 4, noise = 3, max_trials = 60, recover = 30,
  wait = tspam.sleep, now = tspam.now,
}
--- How often the lowest rate is looked at while something is learned from it, and
-- halved while half the rate fares better.
local BASELINE_LOOKS, HALVINGS = 3, 5
--- Fewer misses than this tell no share.
local FEW_MISSES = 4
--- This machine's own limit is not worth more precision.
local OWN_PRECISION = 0.1

local function own_limit(s, rate, verdict)
  s:own_limit({ upper = rate }, format.rate(rate), verdict)
end

local function useless_baseline(s, rate, verdict, result)
  if verdict.trial == "invalid" then
    return own_limit(s, rate, verdict)
  elseif verdict.useless and failures.broken(result) <= verdict.digest.failed / 2 then
    s:finish { reason = ("already at the lowest rate, %s, %s"):format(format.rate(rate),
      failures.sentence(result, verdict.digest.failed)) }
  elseif verdict.trial == "fail" then
    s:finish { limited_by = "target", upper = rate, reason =
      ("already at the lowest rate, %s, %s"):format(format.rate(rate), verdict.why) }
  end
end

--- One look at the lowest rate; made again while the trial's maker learns from it,
-- and where it is slow.
local function look_lowest(s, rate)
  local verdict, result, again
  for _ = 1, BASELINE_LOOKS do
    verdict, result = s:attempt(rate)
    again = verdict and (verdict.trial == "fail" and verdict.digest.failed == 0
      or verdict.trial ~= "invalid" and s.goals.on_baseline and s.goals.on_baseline(result))
    if not again then
      break
    end
  end
  return verdict, result
end

--- Misses at the lowest rate are the path's own, or the rate is too high already:
-- half of it tells. -> the rate and the verdict that the search is to start from
local function not_saturated(s, rate, verdict, result)
  for _ = 1, HALVINGS do
    local t = verdict.digest
    if t.misses < FEW_MISSES or t.misses <= s.goals.max_failures * t.n then
      break
    end
    local lower, its = s:attempt(rate / 2)
    if not lower or lower.trial == "invalid" then
      break
    elseif judge.trial(result, lower.digest, s.goals).trial ~= "fail" then
      s.judged[#s.judged + 1] = lower.digest -- the path's own share, known better now
      break
    end
    rate, verdict, result = rate / 2, lower, its
  end
  return rate, verdict
end

local function measure_baseline(s)
  local rate = s.goals.start
  local verdict, result = look_lowest(s, rate)
  if verdict then
    useless_baseline(s, rate, verdict, result)
  end
  if not s.answer then
    rate, verdict = not_saturated(s, rate, verdict, result)
    s.baseline, s.lower = verdict.digest, rate
  end
end

--- A failed rate is tried again: one pass acquits. Where the case is not clear,
-- twice, and a baseline that knows little was perhaps lucky: enlarge it first.
local function second_look(s, rate, verdict)
  local doubtful = not verdict.clear
  if doubtful and s:base_for(rate).n < 2 * verdict.digest.n then
    s:attempt(s.lower)
  end
  local again = s:attempt(rate)
  if doubtful and again and again.trial == "fail" and not again.clear then
    again = s:attempt(rate)
  end
  return again
end

--- Steps widen up to doubling while trials pass clean.
local function next_step(goals, step, verdict)
  if goals.fixed_increment or not verdict.clean then
    return goals.increment
  end
  return math.max(goals.increment, math.min(2, step * goals.increment))
end

--- Up until a rate fails twice, is invalid, or the ceiling passes.
local function climb(s)
  local goals, step = s.goals, s.goals.increment
  while not s.answer and not s.upper and s.lower < goals.max_rate do
    local rate = math.min(s.lower * step, goals.max_rate)
    local verdict = s:attempt(rate)
    if verdict and verdict.trial == "fail" then
      verdict = second_look(s, rate, verdict)
    end
    if verdict and verdict.trial == "pass" then
      s.lower, step = rate, next_step(goals, step, verdict)
    elseif verdict then
      s:bound(rate, verdict)
    end
  end
end

--- Steps that the user fixed may be small ones: so many more trials.
local function most_trials(goals)
  local steps = 0
  if goals.fixed_increment then
    steps = math.log(goals.max_rate / goals.start) / math.log(goals.increment)
  end
  return goals.max_trials + math.max(0, math.ceil(steps))
end

-- What the caller wants, over what is usual.
local function complete(wanted)
  local goals = setmetatable({}, { __index = DEFAULTS })
  for name, value in pairs(wanted) do
    goals[name] = value
  end
  goals.max_trials = most_trials(goals)
  return goals
end

local function precise(s)
  local own = s.bounding.trial == "invalid"
  return s.upper <= s.lower * (1 + math.max(s.goals.precision, own and OWN_PRECISION or 0))
end

--- The geometric middle of the bracket; at first, once above and once below, what
-- got through under overload, where that lies well within.
local function inside(s, step)
  local p, first = 1 + s.goals.precision, s:fails()[1]
  local through = first and s:through(first)
  if through and step == 1 and through * p ^ 3 < s.upper and through * p > s.lower then
    return through * p ^ 2
  elseif through and step == 2 and through < s.upper and through > s.lower * p ^ 2 then
    return through / p ^ 0.5
  end
  return math.sqrt(s.lower * s.upper)
end

--- Narrows the bracket. An invalid trial is an upper bound as well: below it the
-- target's own limit may still be found.
local function bisect(s)
  local step = 0
  while not s.answer and s.upper and not precise(s) do
    step = step + 1
    local rate = inside(s, step)
    local verdict = s:attempt(rate)
    local wide = s.upper > s.lower * (1 + 2 * s.goals.precision)
    if verdict and verdict.trial == "fail" and not verdict.clear and wide then
      verdict = s:attempt(rate)
    end
    if verdict and verdict.trial == "pass" then
      s.lower = rate
    elseif verdict then
      s:bound(rate, verdict)
    end
  end
end

return function(trial, goals)
  local s = trials(trial, complete(goals))
  measure_baseline(s)
  while not s.answer do
    climb(s)
    bisect(s)
    if not s.answer and s.upper and s.bounding.trial == "invalid" then
      own_limit(s, s.upper, s.bounding)
    elseif not s:lifted() then
      settle(s)
    end
  end
  return { answer = s.answer, trials = s.trials, baseline = s.baseline, made = s.made,
    conclusive = s.conclusive or false, error = s.error }
end
