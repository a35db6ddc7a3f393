--- Names a state capacity: "M connections, then failure at t = M / rate".
-- A full table looks like a dead target until its entries have aged. So wait
-- until the target answers again, then as long as an entry can have lived, and
-- count once more from an empty table. goals.recover is how long to wait.

local format = require "tspam.format"
local judge = require "tspam.search.judge"

local state = {}

local PAUSE = 2
local PROBE = 1
--- No table is waited for longer than this, and no trial counts for longer.
local LONGEST = 300

--- Probes at the lowest rate until they pass. Seconds from now; nil when they did
-- not in time, or when the search is over.
function state.recovered(search)
  local goals = search.goals
  local begin = goals.now()
  while goals.now() - begin < goals.recover do
    if goals.wait(PAUSE) == false then
      return search:finish { reason = "interrupted", unfinished = true }
    end
    local probe = search:probe(PROBE)
    if not probe then
      return nil
    elseif probe.digest and probe.digest.failed == 0 then
      return goals.now() - begin
    end
  end
end

local function sentence(burst)
  return ("%s, then failure at t = %.2f s"):format(
    format.plural(burst.connections, "connection"), burst.time)
end

-- What passed below filled the table too, only not yet: it is no rate that lasts.
local function conclude(search, rate, burst)
  search:finish {
    limited_by = "target", burst = burst, rate = false, upper = rate,
    reason = ("%s: a table of the target is full; %.0f s later %s passed again"):format(
      sentence(burst), burst.recovery, format.rate(search.baseline.rate)),
  }
  search.conclusive = true
end

local function lost(search, rate, burst, all)
  burst.in_all = all
  search:finish { burst = burst, unfinished = true,
    upper = rate > search.lower and rate or nil, reason = (
    "at %s %s (%s in all since the search began), and no answer for %.0f s since: "
    .. "a table of the target is full, or it died"):format(format.rate(rate), sentence(burst),
    format.count(all), search.goals.recover) }
end

--- rate: where verdict.state was seen. Ends the search, unless the second count
-- finds no table: then it was a failure of the moment, and what is returned is
-- that count's verdict and result.
function state.name(search, rate, verdict)
  local goals, all = search.goals, search.reached
  local recovery = state.recovered(search)
  if search.answer then
    return nil
  elseif not recovery then
    return lost(search, rate, verdict.state, all)
  end
  local length = math.max(goals.length, 1.2 * all / rate)
  goals.wait(math.min(LONGEST, goals.now() - search.began))
  local again, result = search:run(rate, math.min(length, LONGEST))
  local burst = again and judge.full(result)
  if burst then
    burst.recovery = recovery
    return conclude(search, rate, burst)
  end
  return again, result
end

return state
