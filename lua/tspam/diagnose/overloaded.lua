--- What a target does at twice its rate: it keeps a queue, and serves at its rate (processing),
-- or it drops the excess, and lets through its rate (rate, with a burst).
-- overloaded(search, run, rate) -> limit

local experiment = require "tspam.diagnose.experiment"
local format = require "tspam.format"
local full_table = require "tspam.full_table"
local overload = require "tspam.search.overload"
local state = require "tspam.diagnose.state"

--- How often a burst is measured anew, and the longest rest before that, in seconds.
local RESTS <const>, LONGEST <const> = 3, 20
--- Bursts, and rates, that agree within these shares are the same.
local AGREE <const>, NEAR <const> = 0.03, 0.1
--- A median so many times the lowest load's, and so many seconds more, is that of a queue.
local WAITS <const>, FLOOR <const> = 1.5, 5e-3
--- An answer of more bytes may take bandwidth of its own, which no request tells.
local SMALL <const> = 500

-- Do connections wait where the load is too much, or is the excess dropped?
local function waits(search)
  local lowest, n = search.evidence.lowest.figures.median or 0, 0
  for _, trial in ipairs(search.evidence:trials_from(search.answer.rate)) do
    local median = trial.figures.median
    local waited = trial.broken and not trial.lossy or median and median > WAITS * lowest + FLOOR
    local failed = search.evidence:high(trial, search.goal)
    n = n + (failed and (waited and 1 or -1) or 0)
  end
  return n > 0
end

local function agrees(through, rate)
  return through and math.abs(through / rate - 1) <= NEAR
end

local function by_queue(search, run, rate)
  local t, problem = experiment.run(run, { rate = 2 * rate, length = search.length,
    why = "a queue was kept" })
  if not t then
    return problem
  elseif not agrees(t.plateau, rate) then
    return experiment.unknown("it serves %.0f/s when it is never idle", t.plateau or 0)
  end
  local lowest = search.evidence.lowest.figures.result
  local answer = (lowest.bytes_received or 0) / math.max(1, lowest.ok)
  if answer > SMALL then
    return experiment.unknown("a queue that serves %s: one connection at a time, %s each, or "
      .. "the bandwidth of its answers, %.3g Mbit/s", format.rate(t.plateau),
      format.time(1 / t.plateau), 8e-6 * answer * t.plateau)
  end
  return { kind = "processing", seconds = 1 / t.plateau }
end

-- One look at twice the rate, from rest -> connections that passed at once (nil: the path
-- loses some, too) | nil, limit
local function drop(search, run, rate, burst)
  local t, result = experiment.run(run, { rate = 2 * rate, why = "it was overloaded",
    length = search.length + burst / rate,
    rest = math.min(LONGEST, math.max(search.length, 2 * burst / rate)) })
  if not t then
    return nil, result
  end
  local own, seen = search.evidence:own_share(), full_table.seen(result)
  local through = overload.through(search.evidence, { figures = t })
  if seen then
    return nil, state(search, run, seen)
      or experiment.unknown("at twice the rate it broke off for a while")
  elseif t.loss <= own + search.goal.loss then
    return nil, { kind = "unknown", contradicts = true,
      reason = "at twice the rate all went well" }
  elseif not agrees(through, rate) then
    return nil, experiment.unknown("at twice the rate %.0f/s got through", through or 0)
  end
  return own == 0 and t.overload and t.overload.burst or nil
end

-- A burst is there in full once the target has rested: the larger it is, the longer.
local function by_drops(search, run, rate)
  local model = overload.model(search.evidence, search.goal)
  local burst, known = model and model.burst or 0, nil
  for _ = 1, RESTS do
    local measured, limit = drop(search, run, rate, burst)
    if limit then
      return limit
    end
    known = measured
    if not measured or measured <= burst * (1 + AGREE) or measured < rate then
      break
    end
    burst = measured
  end
  -- The first one that failed came up to one connection after the burst was used up: half of
  -- one, in the mean.
  return { kind = "rate", rate = model and model.rate or rate,
    burst = known and math.floor(known + 0.5 + 0.5) }
end

return function(search, run, rate)
  return (waits(search) and by_queue or by_drops)(search, run, rate)
end
