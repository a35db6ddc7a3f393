--- What makes a trial one of high loss, besides its losses: the standard rules of a
-- saturation search. rules.standard { slowdown = 2 } -> list, for tspam.search.
--
-- A rule is rule(trial, lowest) -> nil where it holds, or a sentence that says how it
-- is broken (and true where that leaves no doubt). trial: the figures of
-- tspam.search.digest, and result (what tspam.run returned), length; lowest: the
-- same of the lowest rate, to compare with (of the lowest rate itself: the same table).
-- Rules of your own go into the same list:
--
--   function(trial)
--     local p99 = trial.result.latency:percentile(99)
--     return p99 and p99 > 0.05 and ("p99 is %.1f ms"):format(1e3 * p99) or nil
--   end
--
-- RFC 9971 knows losses alone. These are deviations: see docs/standards.md.

local rules = {}

--- A queue that grows by less than this is noise.
local QUEUE_FLOOR <const> = 5e-3
--- Excess of the median over the lowest rate's below which nothing is slow.
local SLOW_FLOOR <const> = 1e-3
--- Share of the starts by which the ends may stay behind within a trial.
local BEHIND <const> = 0.02

--- The median climbs within the trial.
function rules.queue(t)
  local from, to = t.first and t.first.p50, t.last and t.last.p50
  if not from or not to or to <= 2 * from or to - from < QUEUE_FLOOR then
    return nil
  end
  return ("a queue grows: the median climbs from %.1f ms to %.1f ms within the trial"):format(
    1e3 * from, 1e3 * to), to > 4 * from and to - from > 4 * QUEUE_FLOOR
end

-- Connections that take long are open for long: how many more must be so at the
-- end than after a quarter, however well all goes.
local function still_filling(t, lowest)
  local quarter, whole = t.first.time, t.first.time + t.rest.time
  local takes = math.min(lowest.median or t.median or 0, whole)
  return t.n / whole * math.max(0, takes - quarter)
end

--- Ends stay behind starts, but for those that are never answered. The open connections of a
-- steady load waver like a count; what grows beyond that was started and did not end.
function rules.behind(t, lowest)
  if not t.rest or not t.first.open then
    return nil
  end
  local grown = t.rest.open - t.first.open - still_filling(t, lowest) - (t.pending or 0)
  local bound = BEHIND * t.rest.started + 3 * math.sqrt(2 * t.first.open + 1)
  if grown <= bound then
    return nil
  end
  return ("a queue grows: completions fall behind, %d open after a quarter, %d at the end")
    :format(t.first.open, t.rest.open), grown > 2 * bound
end

--- What the cap on open connections (max_open) kept from being started is what the
-- target had not ended.
function rules.capped(t)
  if t.capped <= BEHIND * t.due then
    return nil
  end
  return ("the cap on open connections (max_open) was reached: %d of %d that were due were not "
    .. "started"):format(t.capped, t.due)
end

--- -> the rule: the median is so many times that of the lowest rate, or more.
function rules.slow(slowdown)
  return function(t, lowest)
    local base = lowest.median
    if not base or not t.median or t.median < base + SLOW_FLOOR
      or t.median < slowdown * base then
      return nil
    end
    return ("slow: the median is %.2f ms, %.1f times that of the lowest rate"):format(
      1e3 * t.median, t.median / base), t.median > 2 * slowdown * base
  end
end

--- wanted: slowdown (2)
function rules.standard(wanted)
  return { rules.queue, rules.behind, rules.slow(wanted.slowdown or 2), rules.capped }
end

return rules
