--- Makes the trials of a search: valid ones, or the search ends. An object per search:
--   options, evidence, trials (all, in order), goals
--   made     connections in all; reached: those that ended well
--   own      this machine's limit: {rate, limit, why}; loads from there on are not known
--   outages  {from, to}: times of options.now at which the target answered nobody
-- A search that is over is left by search:stop(answer): an error that tspam.search
-- catches.

local failures = require "tspam.failures"
local format = require "tspam.format"
local full_table = require "tspam.full_table"
local generator_limit = require "tspam.generator_limit"
local digest = require "tspam.search.digest"
local stability = require "tspam.search.stability"

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
--- So often in a search a full table is looked for, and after so many trials with a gap.
local LOOKS <const>, GAPS <const> = 2, 3
--- More than this share failing is hardly anything that got through.
local DEAD <const> = 0.9

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
  return "fail", trial.lossy and self:lost(trial) or trial.broken
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
  local trial = { rate = rate, length = length, result = result, aside = aside, ended = ended,
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

local function hardly_anything(t)
  return t.failed > DEAD * t.n or t.last ~= nil and t.last.ok == 0 and t.last.started > 0
end

-- What tspam.full_table needs to look at the target itself.
local function device(self)
  local options = self.options
  return {
    run = function(load)
      load.at_once = true
      return self:run(load)
    end,
    wait = options.wait, now = options.now, say = options.say or function() end,
    waiting = options.waiting,
    low = self.evidence.lowest.rate, patience = options.recover, began = self.began,
  }
end

-- What a trial shows of a full table. In one in which nothing got through it was full from
-- the first: then all that got through before may be in it.
local function seen_in(self, trial)
  local seen = full_table.seen(trial.result)
  local none = trial.figures.ok <= 0.05 * trial.figures.n
  if not seen and none then
    seen = { connections = trial.figures.ok, time = 0, rate = trial.rate }
  end
  if seen then
    seen.began, seen.in_all = trial.begin, self.reached
  end
  return seen
end

-- The target served nobody, at the lowest rate neither: what was measured then says
-- nothing of the load.
local function set_aside(self, trial, from, to)
  trial.aside = true
  trial.trial, trial.why = "invalid", ("the target served nobody from %.0f s to %.0f s"):format(
    from - self.began, to - self.began)
  self.outages[#self.outages + 1] = { from = from - self.began, to = to - self.began }
end

local function stopped_answering(self, trial, waited)
  local rate, all = format.rate(trial.rate), self.made
  self:stop { unfinished = true, upper = trial.rate, reason = (
    "at %s the target stopped answering, and answers no more at %s either, for %.0f s: it died, "
    .. "or a table of it is full (%s were made in all)"):format(rate,
    format.rate(self.evidence.lowest.rate), waited, format.plural(all, "connection")) }
end

local endings = {}

function endings.state(self, _, verdict)
  self:stop { limited_by = "target", limit = verdict, conclusive = true,
    reason = "a table of the target is full" }
end

function endings.silent(self, trial, verdict)
  stopped_answering(self, trial, verdict.waited)
end

function endings.interrupted(self)
  self:stop { reason = "interrupted", unfinished = true }
end

function endings.error(self, _, verdict)
  self.error = verdict.message
  self:stop { reason = verdict.message, unfinished = true }
end

-- Hardly anything got through: is it the load, a full table, or an outage? -> true: make
-- the trial again
local function explain(self, trial)
  local lowest, seen = self.evidence.lowest.rate, seen_in(self, trial)
  local probe = self:measure(lowest, self.options.length, true)
  local answers = probe.invalid or probe.figures.failed <= 0.5 * probe.figures.n
  if answers and (not full_table.seen(trial.result) or self.looks >= LOOKS) then
    return false
  end
  self.looks = self.looks + 1
  seen = seen or { connections = trial.figures.ok, time = 0, rate = trial.rate,
    began = trial.begin, in_all = self.reached }
  local verdict = full_table.examine(device(self), seen)
  if endings[verdict.kind] then
    endings[verdict.kind](self, trial, verdict)
  elseif not answers then
    set_aside(self, trial, trial.begin, verdict.to or self.options.now())
    return true
  end
  return false
end

-- In a trial that loses too much the target served nobody for a while, and then as before. It
-- was an outage, and says nothing of the load: unless a table fills up and ages within each
-- trial. Then it is the same count when the trial is made again; or, where entries of one
-- trial take room in the next, it happens too often. before: the gap in the trial before.
-- -> gap {count, trial}: make the trial again; nil: it counts
local function consider_gap(self, trial, before)
  local from, to, count = stability.outage(trial.result)
  local goal, own = self.goals[1], self.evidence:own_share()
  if not from or trial.figures.loss <= own + goal.loss then
    return nil
  elseif before and full_table.same(before.count, count) then
    before.trial.aside = nil
    return nil
  end
  self.gaps = self.gaps + 1
  if self.gaps % GAPS == 0 and self.looks < LOOKS then
    self.looks = self.looks + 1
    local verdict = full_table.examine(device(self), seen_in(self, trial)
      or { connections = count, time = from, again = to, rate = trial.rate, began = trial.begin,
        in_all = self.reached })
    if endings[verdict.kind] then
      endings[verdict.kind](self, trial, verdict)
    end
  end
  set_aside(self, trial, trial.begin + from, trial.begin + to)
  return { count = count, trial = trial }
end

--- A trial until it is valid and says something of the load. -> trial, or nil where this
-- machine's limit came: search.own then says so.
function Search:attempt(rate, length)
  local n, aside, gap = 0, 0, nil
  while true do
    local trial = self:measure(rate, length)
    local look = self.evidence.lowest and aside < ASIDE
    if trial.invalid then
      n = n + 1
      if n >= tries(trial) then
        if not self.own or rate < self.own.rate then
          self.own = { rate = rate, limit = trial.invalid, why = trial.why }
        end
        return nil
      end
      self.options.wait(PAUSE)
    elseif look and hardly_anything(trial.figures) and explain(self, trial) then
      aside = aside + 1
    else
      gap = look and consider_gap(self, trial, gap)
      if not gap then
        return trial
      end
      aside = aside + 1
    end
  end
end

return function(options, evidence)
  return setmetatable({ options = options, evidence = evidence, trials = {}, outages = {},
    goals = options.goals, made = 0, reached = 0, looks = 0, gaps = 0, began = options.now() }, Search)
end
