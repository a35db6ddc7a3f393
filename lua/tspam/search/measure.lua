--- Makes the trials of a search: valid ones, or the search ends. An object per search:
--   options, evidence, trials (all, in order), goals
--   made     connections in all; reached: those that ended well
--   own      this machine's limit: {rate, limit, why}; loads from there on are not known
--   outages  {from, to}: seconds of the search in which the target answered nobody
--   gaps     trials in which it answered nobody for a while; looks: for a full table
-- A search that is over is left by search:stop(answer): an error that tspam.search
-- catches.

local failures = require "tspam.failures"
local format = require "tspam.format"
local generator_limit = require "tspam.generator_limit"
local digest = require "tspam.search.digest"
local outages = require "tspam.search.outages"

--- How often an invalid trial is made before it counts as this machine's limit;
-- more often where it was late without having used the processors: then something
-- else did, and may stop.
local TRIES <const>, TRIES_BUSY <const> = 3, 8
--- Share of the processors below which this process was not what kept them busy.
local IDLE <const> = 0.25
--- Seconds before an invalid trial is made again.
local PAUSE <const> = 1
--- So often in a row trials are set aside for outages.
local ASIDE <const> = 3

local Search = {}
Search.__index = Search

--- Ends the search with an answer.
function Search:stop(answer)
  self.answer = answer
  error(self, 0)
end

function Search:note(trial, outcome, why)
  trial.trial, trial.why = outcome, why
  self.trials[#self.trials + 1] = trial
  if self.options.on_trial then
    self.options.on_trial(trial, #self.trials)
  end
end

--- One run of the target. load: {rate, length, …} as options.trial takes it. -> result
function Search:run(load)
  load.n = #self.trials + 1
  local result, message = self.options.trial(load)
  if not result then
    self.error = message
    return self:stop { reason = message, unfinished = true }
  end
  self.made, self.reached = self.made + result.started, self.reached + result.ok
  if result.interrupted then
    if result.started > 0 then
      self:note({ rate = load.rate, length = load.length, result = result }, "invalid",
        "interrupted")
    end
    return self:stop { reason = "interrupted", unfinished = true }
  end
  return result
end

-- Would a target no slower than allowed reach the cap, too (Little's law)? Then the cap is
-- this machine's limit.
local function capped_anyway(t, median, slowdown)
  return t.capped > 0.02 * t.due and t.open_max
    and t.rate * (median or 0) * slowdown > t.open_max
end

-- Whose limit made a trial invalid, and why; nil for a valid one.
local function invalid(self, result, t)
  local limit, why = generator_limit.of(result)
  if limit then
    return limit, why
  elseif t.n == 0 then
    return "generator", "not one connection was started"
  end
  local lowest = self.evidence.lowest
  if capped_anyway(t, (lowest and lowest.figures or t).median, self.options.slowdown or 2) then
    return "generator", ("the cap on open connections (max_open) was reached: %d of %d that "
      .. "were due were not started"):format(t.capped, t.due)
  end
end

-- The first rule that a trial breaks.
local function judge(self, trial)
  local t = trial.figures
  t.result, t.length = trial.result, trial.length
  local lowest = self.evidence.lowest and self.evidence.lowest.figures or t
  for _, rule in ipairs(self.options.rules) do
    local why, clear = rule(t, lowest)
    if why then
      trial.broken, trial.clear = why, clear or false
      return
    end
  end
end

-- A trial in words, for the goal of the search.
local function outcome(self, trial)
  local goal, t = self.goals[1], trial.figures
  if not self.evidence:high(trial, goal) then
    return "pass", self.evidence.lowest and "as at the lowest rate" or "the lowest rate"
  end
  trial.lossy = t.loss > self.evidence:allowed(t, goal)
  return "fail", self:why(trial)
end

--- "0.7 % lost (mostly timeout/connect); the goal is 0.5 %"
function Search:lost(trial)
  local t, goal = trial.figures, self.goals[1]
  local own = self.evidence:own_share()
  local cause = "mostly " .. (t.misses - t.failed > t.failed and "retransmitted"
    or failures.worst(trial.result) or "unknown")
  local base = own > 0 and (" and the path loses %s by itself"):format(format.share(own, 1)) or ""
  return ("%s lost (%s); the goal is %s%s"):format(format.share(t.misses, t.n), cause,
    format.share(goal.loss, 1), base)
end

--- Why a trial is of high loss: its losses, where there are too many, or the rule it breaks.
function Search:why(trial)
  return not trial.lossy and trial.broken or self:lost(trial)
end

--- One valid or invalid trial, kept. -> trial; trial.invalid says whose limit it was. aside:
-- it is no evidence, whatever it shows.
function Search:measure(rate, length, aside)
  if #self.trials >= self.options.max_trials then
    return self:stop { unfinished = true, reason = (
      "gave up after %d trials: a higher start or a larger increment needs fewer"):format(
      #self.trials) }
  end
  length = length or self.options.length
  local result = self:run { rate = rate, length = length }
  local ended = self.options.now() -- a pause, or a command, may have come before the run
  local trial = { rate = rate, length = length, result = result, aside = aside,
    begin = ended - (result.elapsed or length), figures = digest(result) }
  local limit, why = invalid(self, result, trial.figures)
  if limit then
    trial.invalid = limit
    self:note(trial, "invalid", why)
    return trial
  end
  judge(self, trial)
  self.evidence:add(trial)
  self:note(trial, outcome(self, trial))
  return trial
end

local function tries(trial)
  local cpu = trial.result.cpu
  return trial.invalid == "generator" and cpu and cpu.share < IDLE and TRIES_BUSY or TRIES
end

--- A trial until it is valid and says something of the load. -> trial, or nil where this
-- machine's limit came: search.own then says so.
function Search:attempt(rate, length)
  local n, aside, gap = 0, 0, nil
  while true do
    local trial = self:measure(rate, length)
    if trial.invalid then
      n = n + 1
      if n >= tries(trial) then
        if not self.own or rate < self.own.rate then
          self.own = { rate = rate, limit = trial.invalid, why = trial.why }
        end
        return nil
      end
      self.options.wait(PAUSE)
    else
      gap = self.evidence.lowest and aside < ASIDE and outages.consider(self, trial, gap)
      if not gap then
        return trial
      end
      aside = aside + 1
    end
  end
end

return function(options, evidence)
  return setmetatable({ options = options, evidence = evidence, trials = {}, outages = {},
    goals = options.goals, made = 0, reached = 0, looks = 0, gaps = 0,
    began = options.now() }, Search)
end
