--- Whose limit it was, where it was not the target's.
-- generator_limit.of(result) -> nil, or the name of this machine's limit and a sentence.
-- A connection that failed for want of a port, a descriptor or memory never
-- reached the target, whatever else the run shows.

local failures = require "tspam.failures"

local generator_limit = {}

local causes = {
  { "no-port", "own ports" },
  { "no-fd", "own descriptors" },
  { "no-memory", "own memory" },
}

local function count(result, cause)
  return failures.count(result, "^" .. cause:gsub("%-", "%%-") .. "/")
end

--- Connections that failed before they reached the target.
function generator_limit.failures(result)
  local n = 0
  for _, row in ipairs(causes) do
    n = n + count(result, row[1])
  end
  return n
end

local function by_failure(result)
  for _, row in ipairs(causes) do
    local n = count(result, row[1])
    if n > 0 then
      return row[2], ("%d of %d connections failed with %s"):format(n, result.started, row[1])
    end
  end
end

-- The first reason is the one to name: what ran out is told before what was late.
local function by_reason(result)
  local first = result.reasons[1]
  return first.limit, first.text
end

function generator_limit.of(result)
  local limit, why = by_failure(result)
  if limit then
    return limit, why
  end
  if result.verdict == "invalid" then
    return by_reason(result)
  end
  local wanted = result.due - (result.capped or 0)
  if result.started < 0.99 * wanted then
    return "generator", ("only %d of %d due connections were started"):format(
      result.started, wanted)
  end
end

return generator_limit
