--- Judges one trial of a search against the lowest rate's.
-- judge.trial(result, base, goals) -> verdict (base nil: it is the lowest rate's):
--   trial   "pass", "fail" or "invalid"; why: a sentence
--   limit   of an invalid one: whose limit it was
--   clean   a pass far from every bound
--   clear   a fail that needs no second look
--   useless the lowest rate itself fails: there is nothing to compare with
--   slow    it failed by its latency, which a busy machine may have caused
--   dead    hardly anything got through, at least at the end
--   state   {connections, time}: all went well up to there, nothing after
--   allowed the share of misses that would have passed
-- goals: slowdown, max_failures (share), noise (standard deviations).

local failures = require "tspam.failures"
local generator_limit = require "tspam.generator_limit"

local judge = {}

--- A queue that grows by less than this is noise.
local QUEUE_FLOOR = 5e-3
--- Excess of the median over the baseline's below which nothing is slow.
local SLOW_FLOOR = 1e-3
--- The lowest rate is no measure for others with a larger share of failures.
local USELESS = 0.1
--- Share of the starts by which the ends may stay behind within a trial.
local BEHIND = 0.02

--- Fewer connections, or failures, than this tell nothing of state; so much may
-- get through a table that is full.
local FEW, LEAK = 10, 0.05

-- The slices in which connections were due; one that is started a moment late may
-- fall into a slice of its own behind them, which says nothing.
local function opening(result)
  local list, whole = {}, (result.length or math.huge) * 1.125
  for _, slice in ipairs(result.timeline or {}) do
    if slice.started > 0 and slice.time <= whole then
      list[#list + 1] = slice
    end
  end
  return list
end

--- Sums the slices from..to; p50 is weighted by the connections that ended.
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

--- The figures the rules speak of.
function judge.digest(result)
  local slices = opening(result)
  local quarter = #slices // 4
  local strange = generator_limit.failures(result)
  local t = {
    rate = result.rate,
    n = result.started,
    due = result.due,
    capped = result.capped or 0,
    failed = result.failed - strange,
    misses = result.failed - strange + (result.retransmitted_ok or 0), -- each connection once
    ok = result.ok,
    open_max = result.open_max,
    median = result.latency:percentile(50),
  }
  if quarter > 0 then
    t.first = part(slices, 1, quarter)
    t.rest = part(slices, quarter + 1, #slices)
    t.last = part(slices, #slices - quarter + 1, #slices)
    local half = part(slices, #slices - 2 * quarter + 1, #slices)
    t.plateau = half.time > 0 and half.ok / half.time or nil
  end
  return t
end

--- How many more misses than the baseline has are no more than chance. The
-- baseline's share is itself a draw; one miss is added, because none seen in
-- n does not mean none ever.
function judge.allowed(n, base, goals)
  local share = (base.misses + 1) / (base.n + 2)
  local sigma = math.sqrt(share * (1 - share) * (1 / n + 1 / base.n))
  return math.max(goals.max_failures, goals.noise * sigma)
end

--- Of the lowest rate, which is compared with nothing. (In place of a base.)
local function useless(t, base, _, result)
  if base ~= t or t.failed <= USELESS * t.n then
    return nil, true
  end
  return { clear = true,
    why = ("%.1f%% failed: %s"):format(100 * t.failed / t.n, failures.list(result)) }
end

local function misses(t, base, goals, result)
  local excess = t.misses / t.n - base.misses / base.n
  local allowed = judge.allowed(t.n, base, goals)
  if excess <= allowed then
    return nil, excess <= allowed / 2
  end
  local retransmitted = t.misses - t.failed
  local mostly = retransmitted > t.failed and "retransmitted" or failures.worst(result)
  return {
    clear = excess > 2 * allowed,
    why = ("%.1f%% failed or were retransmitted (mostly %s), %.1f%% would pass"):format(
      100 * t.misses / t.n, mostly, 100 * (base.misses / base.n + allowed)),
  }
end

local function queue(t)
  local from, to = t.first and t.first.p50, t.last and t.last.p50
  if not from or not to or to <= 2 * from or to - from < QUEUE_FLOOR then
    return nil, true
  end
  return {
    clear = to > 4 * from and to - from > 4 * QUEUE_FLOOR,
    why = ("a queue grows: the median climbs from %.1f ms to %.1f ms within the trial"):format(
      1e3 * from, 1e3 * to),
  }
end

local function was_capped(t)
  return t.capped > BEHIND * t.due
end

local function at_cap(t)
  return ("the cap on open connections (max_open) was reached: %d of %d that were due were not "
    .. "started"):format(t.capped, t.due)
end

--- What the user's cap kept from being started is what the target had not ended.
local function capped(t)
  if was_capped(t) then
    return { why = at_cap(t) }
  end
  return nil, t.capped == 0
end

--- Unless it would have been reached by a target less than slow, too (Little's law).
local function capped_anyway(t, base, goals)
  return was_capped(t) and t.open_max
    and t.rate * (base.median or 0) * goals.slowdown > t.open_max
end

--- Connections that take long are open for long: how many more must be so at the
-- end than after a quarter, however well all goes.
local function still_filling(t, base)
  local quarter, whole = t.first.time, t.first.time + t.rest.time
  local takes = math.min(base.median or t.median or 0, whole)
  return t.n / whole * math.max(0, takes - quarter)
end

--- The open connections of a steady load waver like a count; what grows beyond
-- that was started and did not end.
local function behind(t, base)
  if not t.rest or not t.first.open then
    return nil, true
  end
  local grown = t.rest.open - t.first.open - still_filling(t, base)
  local bound = BEHIND * t.rest.started + 3 * math.sqrt(2 * t.first.open + 1)
  if grown <= bound then
    return nil, true
  end
  return {
    clear = grown > 2 * bound,
    why = ("a queue grows: completions fall behind, %d open after a quarter, %d at the end")
      :format(t.first.open, t.rest.open),
  }
end

local function slow(t, base, goals)
  local floor = base.median and base.median + SLOW_FLOOR
  if not floor or not t.median or t.median < floor or t.median < goals.slowdown * base.median then
    return nil, not floor or not t.median or t.median < base.median * (1 + goals.slowdown) / 2
      or t.median < floor
  end
  return {
    clear = t.median > 2 * goals.slowdown * base.median,
    why = ("slow: the median is %.2f ms, %.1f times that of the lowest rate"):format(
      1e3 * t.median, t.median / base.median),
  }
end

local rules = { useless, misses, capped, queue, behind, slow }

--- All well up to a count, nothing after it, in silence: a table is full. (A
-- target that refuses has died.) -> {connections, time} or nil; a late start
-- does not change the count.
function judge.full(result)
  local first = result.first_failure
  local silent = result.failures["timeout/connect"] or 0
  if not first or first.count < FEW or silent < FEW or silent < 0.9 * result.failed then
    return nil
  end
  local after = result.started - first.count
  if result.ok - first.count > LEAK * after then
    return nil
  end
  return { connections = first.count, time = first.time }
end

local function invalid(limit, why)
  return { trial = "invalid", limit = limit, why = why, clean = false }
end

function judge.trial(result, base, goals)
  local limit, why = generator_limit.of(result)
  if limit then
    return invalid(limit, why)
  end
  if result.started == 0 then
    return invalid("generator", "not one connection was started")
  end
  local t = judge.digest(result)
  base = base or t
  if capped_anyway(t, base, goals) then
    return invalid("generator", at_cap(t))
  end
  local verdict = { trial = "pass", why = "as at the lowest rate", clean = true, digest = t }
  verdict.allowed = judge.allowed(t.n, base, goals)
  for _, rule in ipairs(rules) do
    local broken, clean = rule(t, base, goals, result)
    verdict.clean = verdict.clean and clean
    if broken and verdict.trial == "pass" then
      verdict.trial, verdict.why, verdict.clear = "fail", broken.why, broken.clear
      verdict.slow, verdict.useless = rule ~= misses and rule ~= useless, rule == useless
    end
  end
  if verdict.trial == "fail" then
    verdict.dead = t.failed > 0.9 * t.n or (t.last and t.last.ok == 0) or false
    verdict.state = judge.full(result)
  end
  return verdict
end

return judge
