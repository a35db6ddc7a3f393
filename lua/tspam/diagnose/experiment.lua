--- One experiment about a target's limit, and what is read off it.
--   experiment.run(run, load) -> figures (tspam.search.digest), result | nil, limit "unknown"
--   experiment.unknown(reason, …) -> limit of kind "unknown"

local generator_limit = require "tspam.generator_limit"
local digest = require "tspam.search.digest"
local stability = require "tspam.search.stability"

local experiment = {}

--- One that met an outage is made again, so often in all.
local OUTAGES <const> = 3

function experiment.unknown(reason, ...)
  return { kind = "unknown", reason = reason:format(...) }
end

--- run: see tspam.diagnose; load: what it takes, with why in words.
function experiment.run(run, load)
  local result, message
  for _ = 1, OUTAGES do
    result, message = run(load)
    if not result or result.ok > 0 and not stability.outage(result) then
      break
    end
  end
  if not result then
    return nil, experiment.unknown("%s", message)
  elseif result.interrupted then
    return nil, experiment.unknown("interrupted")
  end
  local limit, why = generator_limit.of(result)
  if limit then
    return nil, experiment.unknown("this machine was the limit while %s (%s)", load.why, why)
  elseif result.ok == 0 then
    return nil, experiment.unknown("nothing got through while %s", load.why)
  end
  return digest(result), result
end

--- The median time of a connection at the lowest load.
function experiment.service(search)
  local result = search.evidence.lowest.figures.result
  return (result.service or result.latency):percentile(50) or 0
end

--- Connections that ended well in a part of a run (while others were opened).
function experiment.ended(result, from, to)
  local ok, slack = 0, 1e-3
  for _, slice in ipairs(result.timeline) do
    local within = slice.time > (from or 0) + slack and slice.time <= (to or result.length) + slack
    ok = ok + (within and slice.ok or 0)
  end
  return ok
end

--- The share of those that could have, when one takes so long.
function experiment.passed(result, takes)
  return experiment.ended(result) / math.max(1, result.rate * (result.length - takes))
end

return experiment
