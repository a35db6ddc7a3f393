--- What one run shows: all well up to a count, then (nearly) nothing, whichever way it is
-- refused. Pure. seen(result) -> nil, or {connections,
-- time, again, after, well, leaked, rate}
--   connections  how many got through before; time: when that ended, seconds of the run
--   again        when new ones got through again (nil: not within this run), after: how many
--                did since, up to the next such time; well: was that nearly all?
--   leaked       how many did in between; rate: as asked

local failures = require "tspam.failures"
local gaps = require "tspam.full_table.gaps"
local generator_limit = require "tspam.generator_limit"
local passing = require "tspam.full_table.passing"

--- Fewer connections, or failures, than this tell nothing; so much may get through a
-- table that is full, and so much may fail, for other reasons, before it is.
local FEW <const>, LEAK <const>, STRAY <const> = 10, 0.05, 0.1
--- Where more leaks after the first failure, of what came before, that was a stray one.
local FEW_LEAKS <const>, FEW_LEAKED <const> = 3, 0.01
--- A median that stays under twice its first, or moves less than 5 ms, is flat.
local FLAT <const>, FLAT_FLOOR <const> = 2, 5e-3

local function middle(list, from, to)
  local part = table.move(list, from, to, 1, {})
  table.sort(part)
  return part[(#part + 1) // 2]
end

-- The latency does not climb towards the first failure, as it does where a queue grows: of
-- those that came before it, up to when the last of them has ended. Quarters are compared, for
-- a single slice may have met a hiccup.
local function flat_until(result, time)
  local medians, begin = {}, 0
  local ended = time + (result.latency and result.latency:percentile(100) or 0)
  for _, slice in ipairs(result.timeline or {}) do
    if begin < ended and slice.p50 then
      medians[#medians + 1] = slice.p50
    end
    begin = slice.time
  end
  local quarter = math.max(1, #medians // 4)
  local first = middle(medians, 1, quarter)
  local last = middle(medians, #medians - quarter + 1, #medians)
  return not first or last <= FLAT * first or last - first <= FLAT_FLOOR
end

-- Connections that the target refused, not this machine. Of held ones that is at the
-- handshake: those that broke later were not refused. nil: no sign of a full table.
local function refused(result)
  local own, held = generator_limit.failures(result), passing.held(result)
  local n = result.failed - own - (held and failures.broken(result) or 0)
  if n < FEW or own > LEAK * n
    or held and passing.told_meanwhile(result) > (1 + STRAY) * n + FEW then
    return nil
  end
  return n
end

-- Connections that got through, were they held or not.
local function passed(result)
  return result.started - refused(result) - (result.aborted or 0)
end

-- Arrivals are even: the first failure's time and count fit to a connection.
local function even(result)
  return not result.spec or result.spec.arrivals ~= "poisson"
end

-- From the first failure on nothing gets through, to the end: exact, without the timeline.
local function to_the_end(result)
  local first = result.first_failure
  local leaked = passed(result) - first.count
  if leaked > math.max(FEW_LEAKS, FEW_LEAKED * first.count)
    or leaked > LEAK * (result.started - first.count) or gaps.rate_like(result, first.time) then
    return nil
  end
  -- What was reset may have been due a round trip before it was told.
  return { connections = first.count + math.min(0, leaked), time = first.time,
    leaked = math.max(0, leaked) }
end

-- By the timeline: the first gap, and what got through before it. Where nothing failed
-- before, the first failure tells both to the connection.
local function first_gap(result)
  local found, after, well = gaps.of(result)
  local gap, first = found[1], result.first_failure
  if not gap or gap.well < 1 - STRAY then
    return nil
  end
  local before = gap.to and gap.before or passed(result) - gap.leaked
  local seen = { connections = math.floor(before + 0.5), time = gap.from, again = gap.to,
    leaked = gap.leaked }
  if gap.to then
    seen.after = found[2] and found[2].before or after
    seen.well = (found[2] and found[2].well or well) >= 1 - STRAY
  end
  if even(result) and math.abs(first.time - gap.from) <= 2 * gap.exact
    and math.abs(first.count - before) <= math.max(FEW_LEAKS, FEW_LEAKED * before) then
    seen.connections, seen.time = first.count, first.time
  end
  return seen
end

return function(result)
  local first = result.first_failure
  if not first or not first.count or not refused(result) then
    return nil
  end
  local seen = even(result) and to_the_end(result) or first_gap(result)
  if not seen or seen.connections < FEW or not flat_until(result, seen.time) then
    return nil
  end
  seen.rate = result.rate
  return seen
end
