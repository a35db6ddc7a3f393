--- A limit of connections open at once: with a longer hold it falls in proportion.
-- open(search, run, rate) -> limit, or nil: the rate does not fall

local failures = require "tspam.failures"
local experiment = require "tspam.diagnose.experiment"

--- The experiment asks for so many times the rate that was found.
local OVERLOAD <const> = 1.25
--- The hold: so many times a connection's time, but not less and not more, seconds.
local HOLDS <const>, LEAST <const>, MOST <const> = 3, 0.1, 2
--- So many holds must fit into an experiment.
local PERIODS <const> = 6
--- What still gets through, of the rate that was found: the same, or fallen.
local SAME <const>, FALLEN <const> = 0.85, 0.6
--- Two ways to count those that are open at once may differ by so much, two experiments by
-- so much.
local DOUBT <const>, NEAR <const> = 0.5, 0.1

-- Connections that were let in before the first was not. A refusal is noticed when its
-- answer comes.
local function let_in(result)
  local first = result.first_failure
  local silent = (failures.worst(result) or ""):find("^timeout/connect")
  local notice = not silent and result.connect and result.connect:percentile(50) or 0
  return first and first.count and math.floor(first.count - notice * result.rate + 1e-6)
end

-- One experiment -> share of the rate that got through, connections that were open at once
-- (nil: two ways to count them disagree) | nil, limit "unknown"
local function held(search, run, rate, hold)
  local period = experiment.service(search) + hold
  local periods = math.max(PERIODS, search.length // period)
  local t, result = experiment.run(run, { rate = OVERLOAD * rate, hold = hold,
    length = periods * period, interval = period / 8, why = "connections were held" })
  if not t then
    return nil, result
  end
  local own = search.evidence:own_share()
  -- Little's law. What was let in at first leaves together, and so makes room for the next
  -- ones: whole periods count.
  local little = experiment.ended(result, 1.5 * period, (periods - 0.5) * period) / (periods - 2)
  local connections = own == 0 and let_in(result) or math.floor(little + 0.5)
  local agree = math.abs(connections / little - 1) <= DOUBT
  return experiment.passed(result, period) * OVERLOAD / (1 - own), agree and connections or nil
end

return function(search, run, rate)
  local hold = math.min(MOST, math.max(LEAST, HOLDS * experiment.service(search)))
  local before
  for _ = 1, 2 do -- where it falls, it falls twice
    local through, connections = held(search, run, rate, hold)
    if not through then
      return connections
    elseif through >= SAME then
      return before and experiment.unknown("one of two experiments with a hold lost much") or nil
    elseif through > FALLEN then
      return experiment.unknown("with a hold of %.2f s %.0f %% of the rate got through: neither "
        .. "the same nor in proportion", hold, 100 * through)
    elseif not connections or connections < 1
      or before and math.abs(connections / before - 1) > NEAR then
      return experiment.unknown("with a hold of %.2f s less got through, but not the same number "
        .. "at once", hold)
    end
    before = before or connections
  end
  return { kind = "open", connections = before }
end
