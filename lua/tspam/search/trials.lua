--- Makes the trials of a search, judges each and keeps it; knows when to stop.
-- An object per search: baseline, lower (highest pass), upper (lowest fail),
-- bounding (its verdict), trials, and answer once the search is over.

local format = require "tspam.format"
local judge = require "tspam.search.judge"
local state = require "tspam.search.state"

--- How often an invalid trial is made before it counts as this machine's limit;
-- more often where it was late without having used the processors: then something
-- else did, and may stop.
local TRIES, TRIES_BUSY = 3, 8
--- Share of the processors below which this process was not what kept them busy.
local IDLE = 0.25
--- So many times the share by which the bracket is wide may have missed at its
-- upper end.
local IMPLAUSIBLE = 4
--- Seconds before an invalid trial is made again.
local PAUSE = 1

local Search = {}
Search.__index = Search

function Search:finish(answer)
  answer.confirmed = answer.confirmed or false
  answer.limited_by = answer.limited_by or "none found"
  if answer.rate == nil then
    answer.rate = self.lower
  end
  answer.rate = answer.rate or nil -- false: what passed is no answer
  answer.lower = answer.lower or answer.rate
  answer.upper = answer.upper or self.upper
  self.answer = self.answer or answer
end

--- This machine's limit came, at a rate in words: no answer about the target.
function Search:own_limit(answer, at, verdict)
  answer.limited_by = verdict.limit
  answer.reason = ("inconclusive at %s: %s"):format(at, verdict.why)
  self:finish(answer)
end

--- The lowest rate's trial, with the misses of all trials well below this rate,
-- those of second looks too: the more is known of the undisturbed share, the
-- finer the judgement. A trial that failed clearly tells of a disturbance, even
-- where a second look acquitted its rate.
function Search:base_for(rate)
  local base = self.baseline
  if not base then
    return nil
  end
  local sum = { median = base.median, n = base.n, misses = base.misses }
  for _, t in ipairs(self.judged) do
    if t.rate <= rate / 1.2 and t.rate <= self.lower then
      sum.n, sum.misses = sum.n + t.n, sum.misses + t.misses
    end
  end
  return sum
end

local function record(self, rate, length, result, verdict)
  local entry = { rate = rate, length = length, trial = verdict.trial, why = verdict.why,
    result = result }
  self.trials[#self.trials + 1] = entry
  if self.goals.on_trial then
    self.goals.on_trial(entry, #self.trials)
  end
end

--- One look at the target, judged; nil when the search is over.
local function look(self, rate, length)
  local result, message = self.trial(rate, length, #self.trials + 1)
  if not result then
    self.error = message
    return self:finish { reason = message, unfinished = true }
  end
  self.made = self.made + result.started
  self.reached = self.reached + result.ok
  if result.interrupted then
    if result.started > 0 then
      record(self, rate, length, result, { trial = "invalid", why = "interrupted" })
    end
    return self:finish { reason = "interrupted", unfinished = true }
  end
  return judge.trial(result, self:base_for(rate), self.goals), result
end

--- One trial, judged and kept; nil when the search is over.
function Search:run(rate, length)
  if self.answer then
    return nil
  elseif #self.trials >= self.goals.max_trials then
    return self:finish { unfinished = true, reason = (
      "gave up after %d trials: a higher start or a larger increment needs fewer"):format(
      #self.trials) }
  end
  local verdict, result = look(self, rate, length)
  if verdict then
    record(self, rate, length, result, verdict)
    if self.baseline and not verdict.clear then
      self.judged[#self.judged + 1] = verdict.digest
    end
  end
  return verdict, result
end

--- A short look at the lowest rate while nothing seems to get through: no trial.
function Search:probe(length)
  return look(self, self.baseline.rate, length)
end

--- The bracket's upper end; verdict says why. Its lower end is the highest pass
-- below: a longer trial may fail where a short one passed.
function Search:bound(rate, verdict)
  self.upper, self.bounding = rate, verdict
  self.bounds[#self.bounds + 1] = { rate = rate, verdict = verdict }
  if self.lower >= rate then
    self.lower = self.baseline.rate
    for _, entry in ipairs(self.trials) do
      if entry.trial == "pass" and entry.rate < rate then
        self.lower = math.max(self.lower, entry.rate)
      end
    end
  end
end

--- Verdicts of the bounds that tell what got through, in the order they were found.
function Search:fails()
  local list = {}
  for _, entry in ipairs(self.bounds) do
    local t = entry.verdict.digest
    list[#list + 1] = t and t.plateau and entry.verdict
  end
  return list
end

local function times_failed(self, rate)
  local n = 0
  for _, entry in ipairs(self.trials) do
    n = n + (entry.trial == "fail" and entry.rate == rate and 1 or 0)
  end
  return n
end

--- The upper end passed after all: the next lowest fail is the bracket's, if any.
local function acquit(self)
  local rate, bounds = self.upper, self.bounds
  self.lower, self.upper, self.bounding, self.bounds = rate, nil, nil, {}
  for _, entry in ipairs(bounds) do
    if entry.rate ~= rate then
      self.bounds[#self.bounds + 1] = entry
    end
    if entry.rate > rate and entry.rate < (self.upper or math.huge) then
      self.upper, self.bounding = entry.rate, entry.verdict
    end
  end
end

-- A limit lets through what it lets through: did the fail miss far more than the
-- bracket's width explains?
local function implausible(self, verdict, rate)
  local base, t = self:base_for(rate), verdict.digest
  local excess = t.misses / t.n - base.misses / base.n
  return excess > verdict.allowed + IMPLAUSIBLE * (rate / self.lower - 1)
end

--- Something else may have happened during the fail that bounds the bracket: where
-- it missed implausibly much, or was slow once, its rate is looked at once more. True
-- where that passed, and the search has to go on.
function Search:lifted(length)
  local verdict, rate = self.bounding, self.upper
  if self.answer or not rate or verdict.trial ~= "fail" or self.doubted[rate] then
    return false
  elseif verdict.slow and times_failed(self, rate) > 1
    or not verdict.slow and not implausible(self, verdict, rate) then
    return false
  end
  self.doubted[rate] = true
  local again = self:attempt(rate, length)
  if again and again.trial == "pass" then
    acquit(self)
    return true
  end
  return false
end

--- What got through, a second, in the later half of a failed trial, had none been
-- lost for other reasons.
function Search:through(fail)
  local base = self:base_for(fail.digest.rate)
  return fail.digest.plateau / (1 - base.misses / base.n)
end

local function stopped_answering(self, rate)
  self:finish {
    unfinished = true, upper = rate > self.lower and rate or nil,
    reason = ("the target stopped answering at %s and answers no more at %s either, for %.0f s")
      :format(format.rate(rate), format.rate(self.baseline.rate), self.goals.recover),
  }
end

--- Hardly anything got through: does the target still answer at the lowest rate?
-- Returns what the rate's trial is worth then; nil when the search is over.
function Search:explain(rate, verdict, result)
  local known = #self.judged
  local probe = self:run(self.baseline.rate, self.goals.length)
  self.judged[known + 1] = nil -- whatever it shows is the last trial's doing
  if not probe then
    return nil
  elseif not probe.digest or probe.digest.failed <= 0.5 * probe.digest.n then
    return verdict, result
  elseif verdict.state then
    return state.name(self, rate, verdict)
  elseif state.recovered(self) then
    return verdict, result
  elseif not self.answer then
    stopped_answering(self, rate)
  end
end

local function tries(verdict, result)
  local idle = verdict.limit == "generator" and result.cpu and result.cpu.share < IDLE
  return idle and TRIES_BUSY or TRIES
end

--- A trial until it is valid; nil when the search is over.
function Search:attempt(rate, length)
  local n, verdict, result = 0
  repeat
    if n > 0 then
      self.goals.wait(PAUSE)
    end
    n = n + 1
    verdict, result = self:run(rate, length or self.goals.length)
  until not verdict or verdict.trial ~= "invalid" or n >= tries(verdict, result)
  if verdict and verdict.dead and self.baseline then
    return self:explain(rate, verdict, result)
  end
  return verdict, result
end

return function(trial, goals)
  return setmetatable({
    trial = trial, goals = goals, trials = {}, judged = {}, bounds = {}, doubted = {}, made = 0,
    reached = 0, began = goals.now(),
  }, Search)
end
