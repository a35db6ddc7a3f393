--- What kind of limit a target has, once its rate is known. One or two experiments:
--   with a longer hold, a limit of connections open at once falls in proportion;
--   with a larger request, a limit of bandwidth falls in proportion;
--   what the trials of the search show tells state, rate and processing apart.
-- diagnose(search, run) -> limit
--   search  the outcome of tspam.search
--   run     run { rate, length, hold, content, rest, why } -> result | nil, message; rest:
--           seconds without load before it
--   limit   { kind = "rate", rate, burst }       what passes a second is the same at any overload
--           { kind = "open", connections }       so many at once
--           { kind = "state", entries, lifetime } a table (lifetime: nil where it was not seen)
--           { kind = "bandwidth", bits_per_second } on the wire, with Ethernet headers
--           { kind = "processing", seconds }     one at a time, so long each
--           { kind = "unknown", reason }
-- Where experiments disagree, or this machine was the limit in one, the kind is not known.

local failures = require "tspam.failures"
local full_table = require "tspam.full_table"
local generator_limit = require "tspam.generator_limit"
local digest = require "tspam.search.digest"
local stability = require "tspam.search.stability"
local overload = require "tspam.search.overload"
local wire = require "tspam.wire_bytes"

--- The experiments ask for so many times the rate that was found.
local OVERLOAD <const> = 1.25
--- The hold: so many times a connection's time, but not less and not more, seconds.
local HOLDS <const>, HOLD_LEAST <const>, HOLD_MOST <const> = 3, 0.1, 2
--- So many holds must fit into an experiment.
local PERIODS <const> = 6
--- With those, more and less than the bandwidth would carry: which bytes a connection puts
-- on the wire is known to a tenth or so.
local MORE <const>, LESS <const> = 1.6, 0.7
--- What still gets through, of the rate that was found: the same, or fallen.
local SAME <const>, FALLEN <const> = 0.85, 0.6
--- A larger request puts so many times the bytes on the wire.
local LARGER <const> = 5
--- An experiment that met an outage is made again, so often in all.
local OUTAGES <const> = 3
--- How often a burst is measured anew, and the longest rest before that, in seconds.
local RESTS <const>, LONGEST_REST <const> = 3, 20
--- A table is filled at another rate, so many times the first, after a rest of so many times
-- the time after which it let new ones in.
local OTHER <const>, AGED <const> = 1.5, 1.5
--- Two ways to count those that are open at once may differ by so much.
local DOUBT <const> = 0.5
--- Counts, or rates, that agree within this share are the same.
local AGREE <const>, NEAR <const> = 0.03, 0.1

local function unknown(reason, ...)
  return { kind = "unknown", reason = reason:format(...) }
end

-- The median time of a connection at the lowest load.
local function service(search)
  local result = search.evidence.lowest.figures.result
  return (result.service or result.latency):percentile(50) or 0
end

-- Trials of high loss above the answer, the lowest load first.
local function failed_trials(search)
  local list = {}
  for _, rate in ipairs(search.evidence.rates) do
    for _, trial in ipairs(search.evidence:trials(rate)) do
      if search.evidence:high(trial, search.goal) then
        list[#list + 1] = trial
      end
    end
  end
  return list
end

-- Runs an experiment, anew where the target served nobody for a while.
-- -> digest, result | nil, limit "unknown"
local function experiment(run, load)
  local result, message
  for _ = 1, OUTAGES do
    result, message = run(load)
    if not result or result.ok > 0 and not stability.outage(result) then
      break
    end
  end
  if not result then
    return nil, unknown("%s", message)
  elseif result.interrupted then
    return nil, unknown("interrupted")
  end
  local limit, why = generator_limit.of(result)
  if result.ok == 0 then
    return nil, unknown("nothing got through while %s", load.why)
  elseif limit then
    return nil, unknown("this machine was the limit while %s (%s)", load.why, why)
  end
  return digest(result), result
end

-- Connections that ended well in a part of the run (while others were opened).
local function ended(result, from, to)
  local ok, slack = 0, 1e-3
  for _, slice in ipairs(result.timeline) do
    local within = slice.time > (from or 0) + slack and slice.time <= (to or result.length) + slack
    ok = ok + (within and slice.ok or 0)
  end
  return ok
end

-- The share of those that could have.
local function passed(result, takes)
  return ended(result) / math.max(1, result.rate * (result.length - takes))
end

local function state_of(one, other)
  return { kind = "state", entries = (one.connections + other.connections) // 2,
    lifetime = one.again or other.again }
end

-- The first trial, set aside or not, that went well up to a count, and then not at all.
local function full_once(search)
  for _, trial in ipairs(search.trials) do
    local full = trial.figures and full_table.seen(trial.result)
    if full then
      return full
    end
  end
end

-- Counts once more, from rest -> {connections, again, …} | nil, limit "unknown"
local function count(search, run, seen, rate)
  local rest = math.min(LONGEST_REST, AGED * (seen.again or search.length))
  local length = math.max(search.length, 1.5 * seen.connections / rate)
  local t, result = experiment(run, { rate = rate, length = length, rest = rest,
    why = "a table was filled" })
  if not t then
    return nil, result
  end
  return full_table.seen(result)
end

-- A table: the same count at two rates. seen: what a trial showed of one
local function by_count(search, run, seen)
  if not seen then
    return nil
  end
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
end

-- Connections that were let in before the first was not. A refusal is noticed when its
-- answer comes.
local function let_in(result)
  local first = result.first_failure
  local silent = (failures.worst(result) or ""):find("^timeout/connect")
  local notice = not silent and result.connect and result.connect:percentile(50) or 0
  return first and first.count and math.floor(first.count - notice * result.rate + 1e-6)
end

-- One experiment with a hold -> share of the rate that got through, connections that were
-- open at once | nil, limit "unknown"
local function held(search, run, rate, hold)
  local takes = service(search)
  local period = takes + hold
  local periods = math.max(PERIODS, search.length // period)
  local t, result = experiment(run, { rate = OVERLOAD * rate, hold = hold,
    length = periods * period, interval = period / 8, why = "connections were held" })
  if not t then
    return nil, result
  end
  local own = search.evidence:own_share()
  -- Little's law. What was let in at first leaves together, and so makes room for the next
  -- ones: whole periods count.
  local little = ended(result, 1.5 * period, (periods - 0.5) * period) / (periods - 2)
  local counted = own == 0 and let_in(result)
  if not counted or math.abs(counted / little - 1) > DOUBT then
    counted = not counted and math.floor(little + 0.5) or nil
  end
  return passed(result, period) * OVERLOAD / (1 - own), counted
end

-- -> limit, or nil: the rate does not fall with a longer hold. Where it does, it does twice.
local function by_hold(search, run, rate)
  local hold = math.min(HOLD_MOST, math.max(HOLD_LEAST, HOLDS * service(search)))
  local connections
  for _ = 1, 2 do
    local through, open = held(search, run, rate, hold)
    if not through then
      return open
    elseif through >= SAME then
      return connections and unknown("one of two experiments with a hold lost much") or nil
    elseif through > FALLEN then
      return unknown("with a hold of %.2f s %.0f %% of the rate got through: neither the same "
        .. "nor in proportion", hold, 100 * through)
    elseif not open or open < 1 or connections and math.abs(open / connections - 1) > NEAR then
      return unknown("with a hold of %.2f s less got through, but not the same number at once",
        hold)
    end
    connections = connections or open
  end
  return { kind = "open", connections = connections }
end

-- -> limit, or nil: the rate does not fall with a larger request
local function by_size(search, run, rate, request)
  local small = wire.request(#request, search.evidence.lowest.figures.result)
  local larger = request .. ("x"):rep(math.ceil((LARGER - 1) * small))
  local factor, takes = small / wire.request(#larger), service(search)
  -- Too much fails, less passes, and too much fails again.
  for i, share in ipairs { MORE, LESS, MORE } do
    local t, result = experiment(run, { content = larger, length = search.length,
      rate = share * factor * rate, why = "requests were larger" })
    if not t then
      return result
    end
    local passes = passed(result, takes) > (share == MORE and 0.95 or 0.9)
    if i == 1 and passes then
      return nil
    elseif passes ~= (share == LESS) then
      return unknown("larger requests do not get through in proportion to their size")
    end
  end
  return { kind = "bandwidth", bits_per_second = 8 * small * rate }
end

-- Do connections wait where the load is too much, or is the excess dropped?
local function queued(search)
  local lowest, waits, drops = search.evidence.lowest.figures.median or 0, 0, 0
  for _, trial in ipairs(failed_trials(search)) do
    local median = trial.figures.median
    local waited = trial.broken and not trial.lossy or median and median > 3 * lowest + 5e-3
    if trial.rate >= search.answer.rate then
      waits, drops = waits + (waited and 1 or 0), drops + (waited and 0 or 1)
    end
  end
  return waits > drops
end

local function agrees(through, rate)
  return through and math.abs(through / rate - 1) <= NEAR
end

-- A queue that serves at this rate.
local function by_queue(search, run, rate)
  local t, problem = experiment(run, { rate = 2 * rate, length = search.length,
    why = "a queue was kept" })
  if not t then
    return problem
  end
  if not agrees(t.plateau, rate) then
    return unknown("it serves %.0f/s when it is never idle", t.plateau or 0)
  end
  return { kind = "processing", seconds = 1 / t.plateau }
end

-- A rate at which the excess is dropped, whatever is asked for. Its burst is there in full
-- once the target has rested.
local function by_drops(search, run, rate)
  local model = overload.model(search.evidence, search.goal)
  local burst = model and model.burst or 0
  for _ = 1, RESTS do
    local rest = math.min(LONGEST_REST, 2 * burst / rate)
    local t, result = experiment(run, { rate = 2 * rate, length = search.length + burst / rate,
      rest = rest, why = "it was overloaded" })
    if not t then
      return result
    end
    local trial = { figures = t, rate = t.rate, length = search.length }
    local through = overload.through(search.evidence, trial)
    local seen = full_table.seen(result)
    if seen then
      return by_count(search, run, seen) or unknown("at twice the rate it broke off for a while")
    elseif t.loss <= search.evidence:own_share() + search.goal.loss then
      return { kind = "unknown", contradicts = true, reason = "at twice the rate all went well" }
    elseif not agrees(through, rate) then
      return unknown("at twice the rate %.0f/s got through", through or 0)
    end
    local own = search.evidence:own_share()
    local before = burst
    burst = own == 0 and t.overload and t.overload.burst or nil
    rate = model and model.rate or rate
    if not burst or burst <= before * (1 + AGREE) or burst < rest * rate then
      break
    end
  end
  return { kind = "rate", rate = rate, burst = burst and math.floor(burst + 0.5) or nil }
end

return function(search, run, request)
  local rate = search.answer.rate
  return by_count(search, run, full_once(search)) or by_hold(search, run, rate) or by_size(search, run, rate, request or "")
    or (queued(search) and by_queue or by_drops)(search, run, rate)
end
