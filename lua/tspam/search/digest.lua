--- The figures of a trial that a search speaks of. digest(result) -> table:
--   rate, n (started), due, ok, capped, open_max
--   failed    connections that reached the target and failed
--   misses    failed, or retransmitted and ok: each connection once
--   loss      misses ÷ n
--   median    of the latency; nil: none was ok
--   first, rest, last   sums over the first quarter of the trial, what follows it, and
--                       the last quarter: {started, ok, failed, p50, open, time}
--   plateau   ok a second in the later half; where a queue grew until connections were
--             given up, ok a second before that: then the target was busy with those that
--             still waited
--   pending   those that were open at the end of the load, and then failed
--   overload  where failures began in mid-trial: {rate: ok a second from then on,
--             burst: connections that passed beyond that rate before, time}

local generator_limit = require "tspam.generator_limit"

--- Fewer connections than this after the first failure tell no rate.
local FEW <const> = 20
--- After the first failure no more than this, times what gets through later, would.
local STRAY <const> = 1.05
--- A median that climbs by less, in seconds, is noise.
local CLIMB <const> = 5e-3

-- The slices in which connections were due; one that is started a moment late may
-- fall into a slice of its own behind them, which says nothing.
local function opening(result)
  local list, whole = {}, (result.length or math.huge) * 1.0625
  for _, slice in ipairs(result.timeline or {}) do
    if slice.started > 0 and slice.time <= whole then
      list[#list + 1] = slice
    end
  end
  return list
end

-- Sums the slices from..to; p50 is weighted by the connections that ended.
local function part(slices, from, to)
  local sum = { started = 0, ok = 0, failed = 0, weighted = 0, time = 0 }
  for i = from, to do
    local slice = slices[i]
    sum.started = sum.started + slice.started
    sum.ok = sum.ok + slice.ok
    sum.failed = sum.failed + slice.failed
    sum.weighted = sum.weighted + slice.ok * (slice.p50 or 0)
    sum.open = slice.open
    sum.time = slice.time - (from > 1 and slices[from - 1].time or 0)
  end
  sum.p50 = sum.ok > 0 and sum.weighted / sum.ok or nil
  return sum
end

-- A slice counts those that ended in it: what began before the first failure ends up
-- to a latency later.
local function overload(slices, result, plateau)
  local first = result.first_failure
  local from, ended = nil, first and first.time + (result.latency:percentile(90) or 0)
  for i, slice in ipairs(slices) do
    local begin = i > 1 and slices[i - 1].time or 0
    if first and first.count and begin >= ended then
      from = i
      break
    end
  end
  local after = from and part(slices, from, #slices)
  if not after or after.time <= 0 or after.started < FEW then
    return nil
  end
  local rate = after.ok / after.time
  if plateau and rate > STRAY * plateau and plateau < result.rate then
    -- The first failure was a stray one: what got through fell later, when the burst was used up.
    local all = part(slices, 1, #slices)
    local burst = math.max(0, all.ok - plateau * all.time)
    return { rate = plateau, burst = burst, time = burst / (result.rate - plateau) }
  end
  return { rate = rate, burst = math.max(0, first.count - rate * first.time),
    time = first.time }
end

-- Where the latency climbs up to the first failure: ok a second while it did.
local function busy(slices, result)
  local first, last = result.first_failure, nil
  for i, slice in ipairs(slices) do
    last = first and slice.time <= first.time * (1 + 1e-6) and i or last
  end
  if not last or last < 3 or not slices[2].p50 or not slices[last].p50 then
    return nil
  end
  local from, to = slices[2].p50, slices[last].p50
  if to <= 2 * from or to - from < CLIMB then
    return nil
  end
  local sum = part(slices, 2, last)
  return sum.ok / sum.time
end

return function(result)
  local slices = opening(result)
  local quarter = #slices // 4
  local failed = result.failed - generator_limit.failures(result)
  local t = {
    rate = result.rate, n = result.started, due = result.due, ok = result.ok,
    capped = result.capped or 0, open_max = result.open_max, failed = failed,
    misses = failed + (result.retransmitted_ok or 0),
    median = result.latency:percentile(50),
  }
  t.loss = t.n > 0 and t.misses / t.n or 0
  if quarter > 0 then
    t.first = part(slices, 1, quarter)
    t.rest = part(slices, quarter + 1, #slices)
    t.last = part(slices, #slices - quarter + 1, #slices)
    t.pending = result.failed - t.first.failed - t.rest.failed
    local half = part(slices, #slices - 2 * quarter + 1, #slices)
    local queue = busy(slices, result)
    t.plateau = queue or half.time > 0 and half.ok / half.time or nil
    t.overload = not queue and overload(slices, result, t.plateau) or nil
  end
  return t
end
