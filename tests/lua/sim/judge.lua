--- Judges an answer of a script about a device of known truth.
-- judge(script, truth, outcome) -> "right", "honest" or "wrong", and the answer in words.
-- Wrong is an answer that is sure of itself (exit status 0; of soak also 3) and not so.

local NEAR <const> = 0.05

local function near(got, want, slack)
  return got and math.abs(got - want) <= math.max(NEAR * want, slack or 0)
end

-- What the figures of answer.limit may be off by besides 5 %.
local SLACK <const> = { burst = 5, connections = 1, entries = 2, lifetime = 3 }
local FIGURES <const> = { "rate", "burst", "connections", "entries", "lifetime", "seconds",
  "bits_per_second" }

-- -> nil, or what is wrong about answer.limit
local function wrong_limit(limit, truth)
  if not limit or not limit.kind or limit.kind == "unknown" or not truth.kind then
    return nil
  elseif limit.kind ~= truth.kind then
    return "kind " .. limit.kind
  end
  for _, name in ipairs(FIGURES) do
    local got, want = limit[name], truth[name]
    if got and want and not near(got, want, SLACK[name]) then
      return ("%s %.4g"):format(name, got)
    end
  end
end

local saturate = {}

function saturate.own(answer, truth)
  return answer.limited_by == truth.own
end

function saturate.unknowable()
  return false
end

function saturate.none(answer)
  return answer.limited_by == "none found"
end

function saturate.lowest_ok(answer, truth)
  return answer.unstable_above ~= nil
    or answer.rate and answer.rate >= truth.lowest_ok and answer.rate <= truth.highest_ok
end

function saturate.stable(answer, truth)
  local told = answer.unstable_above ~= nil
  return near(answer.rate, truth.stable)
    or told and (not answer.rate or answer.rate <= truth.stable * (1 + NEAR))
end

-- The count of a table, or the rate that it sustains.
function saturate.entries(answer, truth)
  local limit = answer.limit or {}
  local burst = limit.kind == "state" and limit.entries
    or answer.burst and answer.burst.connections
  if burst then
    return near(burst, truth.entries, SLACK.entries)
  end
  return truth.rate and near(answer.rate, truth.rate)
end

function saturate.rate(answer, truth)
  return answer.limited_by == "target" and near(answer.rate, truth.rate)
end

local ORDER <const> = { "own", "unknowable", "none", "lowest_ok", "stable", "entries", "rate" }

local function of_saturate(answer, truth)
  for _, name in ipairs(ORDER) do
    if truth[name] then
      return saturate[name](answer, truth), wrong_limit(answer.limit, truth)
    end
  end
end

local judges, words = {}, {}

function words.saturate(answer)
  local limit = answer.limit or {}
  return ("%s%s, %s"):format(answer.rate and ("%.4g/s"):format(answer.rate) or "no rate",
    limit.kind and " " .. limit.kind or answer.burst
      and (" burst %d"):format(answer.burst.connections) or "", answer.limited_by)
end

function judges.saturate(truth, answer, status)
  local right, problem = of_saturate(answer, truth)
  if truth.own and right then
    return "right"
  elseif status ~= 0 then
    return "honest"
  end
  return right and not problem and "right" or "wrong", problem
end

function words.capacity(answer)
  return ("%s, %s"):format(answer.connections or "nothing", answer.limited_by)
end

function judges.capacity(truth, answer, status)
  if status ~= 0 then
    return "honest"
  elseif truth.held then
    return answer.limited_by == "target" and near(answer.connections, truth.held) and "right"
      or "wrong"
  end
  return truth.none and answer.limited_by == "none found" and "right" or "wrong"
end

function words.soak(answer)
  return ("%s%s%s"):format(answer.pass == nil and "no verdict" or answer.pass and "pass" or "fail",
    answer.state_capacity and (", state %d"):format(answer.state_capacity) or "",
    answer.sustainable and (", %.4g/s sustained"):format(answer.sustainable) or "")
end

function judges.soak(truth, answer)
  local state, sustainable = answer.state_capacity, answer.sustainable
  local false_claim = state and not (truth.state and near(state, truth.state))
    or sustainable and not (truth.sustainable and near(sustainable, truth.sustainable))
  if false_claim or answer.pass ~= nil and answer.pass ~= truth.passes then
    return "wrong"
  elseif answer.pass == nil or truth.state and not state then
    return "honest"
  end
  return "right"
end

return function(script, truth, outcome)
  local answer = outcome.document and outcome.document.answer
  if not answer then
    return "honest", "no answer: " .. outcome.err
  end
  local verdict, problem = judges[script](truth, answer, outcome.status)
  return verdict, words[script](answer) .. (problem and ", " .. problem or "")
end
