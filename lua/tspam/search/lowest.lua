--- The lowest load of a search: the one that the others are compared with. lowest(search)
-- finds it: where the start is above the target's limit already, it goes down. It ends the
-- search where even the lowest load tells nothing.
-- lowest.know_path(search, n): measures there until the path's own loss is known from n
-- connections, or for as long as is reasonable. -> was anything measured?

local chance = require "tspam.search.chance"
local failures = require "tspam.failures"
local format = require "tspam.format"

local lowest = {}

--- How often the lowest rate is looked at while something is learned from it.
local LOOKS <const> = 3
--- Seconds before a lowest rate that tells nothing is looked at anew.
local PAUSE <const> = 2
--- How often it goes down, and how many connections it takes there at the least.
local STEPS <const>, ENOUGH <const> = 12, 60
--- Fewer misses than this tell no share.
local FEW <const> = 4
--- The lowest rate is no measure for others with a larger share of misses.
local USELESS <const> = 0.1
--- A lower load fares better where it loses less by so many standard deviations; by fewer where
-- the upper one is no measure anyway.
local SURE <const>, HOPED <const> = 3, 2
--- So many connections tell a path's own share of losses; so many without a miss tell
-- that it has none to speak of.
lowest.KNOWN = 2000
local CLEAN <const> = 600
--- A share of misses so many times the goal, or so much less of it, is clear of it.
local NEAR <const> = 2
--- The longest time to learn it, in lengths of a trial.
local LONGEST <const> = 14

local function here(s, rate)
  return ("already at the lowest rate, %s, "):format(format.rate(rate))
end

-- A load where this machine is the limit from the first.
local function own_limit(s, rate)
  s:stop { limited_by = s.own.limit, upper = rate,
    reason = ("inconclusive at %s: %s"):format(format.rate(rate), s.own.why) }
end

-- One look; made again while the trial's maker learns from it.
local function look(s, rate, length)
  local trial
  for _ = 1, LOOKS do
    trial = s:attempt(rate, length) or own_limit(s, rate)
    if not (s.options.on_lowest and s.options.on_lowest(trial.result)) then
      break
    end
    trial.aside = true
  end
  trial.aside = nil
  return trial
end

local function lossy(s, trial)
  local t = trial.figures
  return t.misses >= FEW and t.loss > s.goals[1].loss
end

-- Is the share of misses lower at the lower load, by more than chance?
local function fares_better(upper, lower)
  local a, b = upper.figures, lower.figures
  if upper.broken and not lower.broken then
    return true
  end
  local share = (a.misses + b.misses) / (a.n + b.n)
  local sigmas = a.loss > USELESS and HOPED or SURE
  return a.loss - b.loss > sigmas * math.sqrt(share * (1 - share) * (1 / a.n + 1 / b.n))
end

-- Misses at the start are the path's own, or the start is above the limit: a lower rate
-- tells. -> the trial of the lowest load
local function go_down(s, trial)
  for _ = 1, STEPS do
    if not lossy(s, trial) and not trial.broken then
      break
    end
    local through = trial.figures.ok > 0 and trial.figures.plateau or trial.rate
    local rate = math.max(trial.rate / 8, math.min(trial.rate, through) / 2)
    local length = math.min(LONGEST * s.options.length, ENOUGH / rate)
    local lower = look(s, rate, math.max(s.options.length, length))
    if not fares_better(trial, lower) then
      lower.aside = true -- below the lowest load nothing is judged
      break
    end
    trial = lower
  end
  return trial
end

local function useless(s, trial)
  local t, rate = trial.figures, trial.rate
  if trial.broken then
    s:stop { limited_by = "target", upper = rate,
      reason = here(s, rate) .. trial.broken }
  elseif t.loss <= USELESS then
    return
  elseif t.misses - t.failed > t.failed then
    s:stop { limited_by = "target", upper = rate, reason = (
      "%s%s of the connections were retransmitted"):format(here(s, rate),
      format.share(t.misses, t.n)) }
  end
  -- Nobody who listens is no limit; one who takes connections and answers none has one.
  local answered = failures.broken(trial.result) > t.failed / 2 or t.ok > 0
  s:stop { limited_by = answered and "target" or "none found",
    upper = answered and rate or nil,
    reason = here(s, rate) .. failures.sentence(trial.result, t.failed) }
end

function lowest.know_path(s, wanted)
  local rate, length = s.evidence.lowest.rate, s.options.length
  local n, misses = s.evidence:total(rate)
  wanted = misses > 0 and lowest.KNOWN or wanted or CLEAN
  local seconds = math.min((wanted - n) / rate, LONGEST * length - s.path_seconds)
  if n >= wanted or seconds < length / 4 then
    return false
  end
  seconds = math.max(seconds, length)
  s.path_seconds = s.path_seconds + seconds
  return s:attempt(rate, seconds) ~= nil
end

-- Where some were served, and then none, it may have been an outage: look once more.
local function found(s)
  local trial
  for _ = 1, LOOKS do
    trial = go_down(s, look(s, s.options.start))
    if s.reached == 0 or trial.figures.loss <= USELESS and not trial.broken then
      break
    end
    for _, earlier in ipairs(s.trials) do
      earlier.aside = true
    end
    s.options.wait(PAUSE)
  end
  trial.aside = nil
  return trial
end

--- Where the lowest load is not known well enough to judge a trial by, it is measured
-- longer first.
function lowest.needed(s, trial, goal)
  local t = trial.figures
  local own, known = s.evidence:own_share()
  local allowed = s.evidence:allowed(t, goal)
  if trial.broken or t.misses == 0 or known == 0 or own + goal.loss >= allowed
    and t.loss > NEAR * allowed then
    return false
  end
  return t.loss > own + goal.loss / NEAR and t.loss < NEAR * allowed
    and chance.at_least(t.misses, t.n * own) < 0.5
end

-- Takes a load for the lowest, and measures there until the path's own share is known.
-- -> nil; or the last trial, where that shows more losses than the path's own may be
local function take(s, trial)
  useless(s, trial)
  s.evidence:set_lowest(trial.rate)
  if trial.figures.misses == 0 or not lowest.know_path(s) then
    return nil
  end
  local trials = s.evidence:trials(trial.rate)
  return lossy(s, trials[#trials]) and trials[#trials] or nil
end

--- Phase of a search: -> the next one
function lowest.find(s, next_phase)
  s.path_seconds = 0
  local last = take(s, found(s))
  while last do
    s.evidence.lowest = nil
    local lower = go_down(s, last)
    s.path_seconds = lower == last and s.path_seconds or 0
    last = take(s, lower)
  end
  return next_phase
end

return lowest
