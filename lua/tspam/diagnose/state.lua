--- A table: all goes well up to a count, the same at two rates, and then nothing.
-- state(search, run, seen) -> limit, or nil: it is not the same. seen: what
-- tspam.full_table saw in a trial.
-- state.once(search) -> what it saw in the first such trial of a search, or nil

local experiment = require "tspam.diagnose.experiment"
local full_table = require "tspam.full_table"

local state = {}

--- The second rate, so many times the first.
local OTHER <const> = 1.5
--- Rest before a count: so many times the time after which the table let new ones in, and
-- the longest, in seconds.
local AGED <const>, LONGEST <const> = 1.5, 20
--- A count goes on for so many times as long as it should take.
local BEYOND <const> = 1.5

function state.once(search)
  for _, trial in ipairs(search.trials) do
    local full = trial.figures and full_table.seen(trial.result)
    if full then
      return full
    end
  end
end

-- Counts once more -> {connections, again, …} | nil, limit "unknown"
local function count(search, run, seen, rate)
  local t, result = experiment.run(run, { rate = rate, why = "a table was filled",
    length = math.max(search.length, BEYOND * seen.connections / rate),
    rest = math.min(LONGEST, AGED * (seen.again or search.length)) })
  if not t then
    return nil, result
  end
  return full_table.seen(result)
end

return setmetatable(state, { __call = function(_, search, run, seen)
  local one, problem = count(search, run, seen, seen.rate)
  if not one then
    return problem
  end
  local other
  other, problem = count(search, run, one, OTHER * seen.rate)
  if not other or not full_table.same(one.connections, other.connections) then
    return problem
  end
  return { kind = "state", entries = (one.connections + other.connections) // 2,
    lifetime = one.again or other.again }
end })
