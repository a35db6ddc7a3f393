--- What gets through a target that is asked for too much. overload.model(evidence, goal,
-- length) -> nil, or {rate, burst}: in two trials at different loads the same rate got
-- through once failures had begun, and no trial that passed contradicts it. What passes
-- at any overload is what the target carries; what a short trial carries beyond it is
-- its burst.

local full_table = require "tspam.full_table"

local overload = {}

--- Loads must differ by this factor, and what got through agree within this share.
local APART <const>, AGREE <const> = 1.08, 0.03
--- A load that passes may exceed the model by this share, without a burst.
local TOLERANCE <const> = 0.012
--- Much less than this of the load got through: the target breaks down, or is full.
local LEAST <const> = 0.1

--- What got through a second, had none been lost for other reasons: after failures
-- had begun, or else in the later half of the trial. (Where the path loses some by itself,
-- the first failure is no sign of overload.) nil: not known
function overload.through(evidence, trial)
  local t, own = trial.figures, evidence:own_share()
  local rate = own == 0 and t.overload and t.overload.rate or t.plateau
  return rate and rate / (1 - own)
end

-- Connections that a trial let through beyond that.
local function burst(evidence, trial, through)
  local t, own = trial.figures, evidence:own_share()
  if own == 0 then
    return t.overload.burst
  end
  return math.max(0, t.ok / (1 - own) - through * trial.length)
end

local function overloaded(evidence, goal)
  local list = {}
  for _, trial in ipairs(evidence:trials_from(0)) do
    local rate = trial.rate
    local through = trial.figures.overload and overload.through(evidence, trial)
    if through and evidence:high(trial, goal) and through > LEAST * rate and through < rate
      and not full_table.seen(trial.result) then
      list[#list + 1] = { rate = rate, through = through,
        burst = burst(evidence, trial, through) }
    end
  end
  return list
end

-- How much more than the model's rate a passed trial carried.
local function beyond(evidence, trial, model)
  local own = evidence:own_share()
  return (trial.rate * (1 - own) - model.rate) * trial.length
    - TOLERANCE * trial.rate * trial.length - 3
end

-- A trial of the first length that passed tells how large the burst must be; a longer one
-- that passed with more than that contradicts the model.
local function holds(evidence, model, goal)
  local longer = 0
  for _, trial in ipairs(evidence:trials_from(model.rate)) do
    local extra = evidence:high(trial, goal) and 0 or beyond(evidence, trial, model)
    if trial.length <= goal.first_final * 1.01 then
      model.burst = math.max(model.burst, extra)
    else
      longer = math.max(longer, extra)
    end
  end
  return longer <= 1.3 * model.burst
end

-- The highest of the bursts: a target that had not rested had less to give.
local function largest_burst(list, through)
  local burst = 0
  for _, item in ipairs(list) do
    if math.abs(item.through / through - 1) <= AGREE then
      burst = math.max(burst, item.burst)
    end
  end
  return burst
end

function overload.model(evidence, goal)
  local list = overloaded(evidence, goal)
  for i = 1, #list do
    for j = #list, i + 1, -1 do
      local a, b = list[i], list[j]
      if b.rate >= APART * a.rate and math.abs(b.through / a.through - 1) <= AGREE then
        local rate = (a.through + b.through) / 2
        local model = { rate = rate, burst = largest_burst(list, rate) }
        return holds(evidence, model, goal) and model or nil
      end
    end
  end
end

return overload
