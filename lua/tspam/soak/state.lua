--- Does a soak show a state capacity? A full table of the target, by the figures.

--- A median that stays under twice its first, or moves less than 5 ms, is flat.
local FLAT <const>, FLAT_FLOOR <const> = 2, 5e-3
--- What may end well after a table is full, of all that is tried; an interval in
-- which more than half does is no longer part of the outage.
local LEAK <const>, HALF <const> = 0.1, 0.5
--- Fewer connections, or failures, than this tell nothing of state.
local FEW <const> = 10
--- New ones get through again for this part of the time in which the table filled.
local LASTS <const> = 0.5
--- A shorter outage, in seconds, is a hiccup.
local OUTAGE <const> = 0.25

local function middle(list, from, to)
  local part = table.move(list, from, to, 1, {})
  table.sort(part)
  return part[(#part + 1) // 2]
end

-- The latency did not climb towards the first failure: quarters are compared, for
-- a single slice may have met a hiccup.
local function flat_until(result, time)
  local medians = {}
  for _, slice in ipairs(result.timeline) do
    if slice.time <= time and slice.p50 then
      medians[#medians + 1] = slice.p50
    end
  end
  local quarter = math.max(1, #medians // 4)
  local first = middle(medians, 1, quarter)
  local last = middle(medians, #medians - quarter + 1, #medians)
  return not first or last <= FLAT * first or last - first <= FLAT_FLOOR
end

-- After the first failure: the time at which new ones got through again (nil: not
-- in this run), and how many did until then. Again is for as long as half of what it
-- took to fill the table: where the entries have aged, it takes as many anew; a few that
-- were given back early let no more through than themselves. Exact to a connection where
-- the rate is even: what a slice has of good ones came at its end.
local function outage(result, first)
  local leaked, since, again, before = 0, 0, nil, 0
  for _, slice in ipairs(result.timeline) do
    local full = result.rate * (slice.time - since)
    if since >= first.time then
      if slice.ok <= HALF * full then
        again = nil
      elseif not again then
        again = slice.time - math.min(1, slice.ok / full) * (slice.time - since)
        before = leaked
      end
      if again and slice.time - again >= LASTS * first.time then
        return again, before
      end
      leaked = leaked + slice.ok
    end
    since = slice.time
  end
  return nil, again and before or leaked
end

--- All went well up to a count, with flat latency, and then nothing: state. Entries
-- are given back from the first on, so what is carried for long is that count in
-- the time from the start until new ones are accepted again. length: in
-- which connections were opened. -> {connections, time, recovered, sustainable} or nil
return function(result, length)
  local first = result.first_failure
  if not first or first.count < FEW or result.failed < FEW
    or not flat_until(result, first.time) then
    return nil
  end
  local again, leaked = outage(result, first)
  local dead = (again or length) - first.time
  if dead < OUTAGE or leaked > LEAK * dead * result.rate then
    return nil
  end
  return { connections = first.count, time = first.time, recovered = again,
    sustainable = again and first.count / again or nil }
end
