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

--- Probes at the lowest rate until they pass. Seconds from begin, or nil.
local function recovered(search, begin)
  local goals = search.goals
  while goals.now() - begin < goals.recover do
    if goals.wait(PAUSE) == false then
      return nil
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

local function conclude(search, rate, burst)
  search:finish {
    limited_by = "target", burst = burst, upper = rate,
    reason = ("%s: a table of the target is full, it accepts again after %.0f s"):format(
      sentence(burst), burst.recovery),
  }
  search.conclusive = true
end

local function lost(search, rate, burst, all)
  burst.in_all = all
  search:finish { burst = burst, upper = rate, reason = (
    "at %s %s (%s in all since the search began), and no answer for %.0f s since: "
    .. "a table of the target is full, or it died"):format(format.rate(rate), sentence(burst),
    format.count(all), search.goals.recover) }
end

--- rate: where verdict.state was seen. Ends the search.
function state.name(search, rate, verdict)
  local goals, burst, all = search.goals, verdict.state, search.reached
  local recovery = recovered(search, goals.now())
  if search.answer then
    return
  elseif not recovery then
    return lost(search, rate, burst, all)
  end
  local length = math.max(goals.length, 1.2 * all / rate)
  goals.wait(math.min(LONGEST, goals.now() - search.began))
  local again, result = search:run(rate, math.min(length, LONGEST))
  if again then
    burst = judge.full(result) or burst
    burst.recovery = recovery
    conclude(search, rate, burst)
  end
end

return state
