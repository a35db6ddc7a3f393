--- How many of a run's connections got through, by when they were due. Pure.
-- passing.of(result) -> list of {from, to, started, passed}, one per slice of the timeline
-- in which connections were opened; told(from, to) -> failures of connections due then.
--
-- A slice counts an end when it comes: a good one after the latency and the hold, a
-- time-out after the time-out. So one of the two is shifted back: the good ones, or, where
-- connections are held past the run's end, the failures. A share of one slice is exact to
-- what the shift cuts in two; sums over several are.

local failures = require "tspam.failures"

--- Where spec does not tell.
local TIMEOUT <const> = 0.9
--- What was due is told as failed so long after its time-out, at the latest.
local SOON <const> = 1
--- Held for more than this part of the run: its good ends tell nothing of its course.
local LONG_HOLD <const> = 0.5

-- The sum of a field over the slices until a time, in a straight line within a slice.
local function cumulative(timeline, name)
  local sums, sum, k = {}, 0, 1
  for i, slice in ipairs(timeline) do
    sum = sum + slice[name]
    sums[i] = sum
  end
  return function(t)
    if k > 1 and t <= timeline[k - 1].time then
      k = 1
    end
    while timeline[k] and timeline[k].time < t do
      k = k + 1
    end
    if not timeline[k] then
      return sum
    end
    local since, before = 0, 0
    if k > 1 then
      since, before = timeline[k - 1].time, sums[k - 1]
    end
    local part = math.max(0, t - since) / (timeline[k].time - since)
    return before + part * (sums[k] - before)
  end
end

-- What a good connection took, from when it was due.
local function usual_latency(timeline, hold)
  local medians = {}
  for _, slice in ipairs(timeline) do
    medians[#medians + 1] = slice.p50
  end
  table.sort(medians)
  return medians[(#medians + 1) // 2] or hold
end

local function timeout(result)
  return result.spec and result.spec.timeout or TIMEOUT
end

local function opened_until(timeline)
  local last = 0
  for _, slice in ipairs(timeline) do
    last = slice.started > 0 and slice.time or last
  end
  return last
end

local passing = {}

--- Are connections held so long that most end with the run?
function passing.held(result)
  local hold = result.spec and result.spec.hold or 0
  return hold > LONG_HOLD * opened_until(result.timeline or {})
end

--- Failures that were told while connections were opened.
function passing.told_meanwhile(result)
  local timeline = result.timeline or {}
  return cumulative(timeline, "failed")(opened_until(timeline))
end

-- -> passed(t): of those due until t, so many got through.
local function passed_by(result, timeline, started, failed)
  if not passing.held(result) then
    local ok = cumulative(timeline, "ok")
    local latency = usual_latency(timeline, result.spec and result.spec.hold or 0)
    return function(t) return ok(t + latency) end
  end
  local silent = failures.count(result, "^timeout/connect")
  local late = silent > (result.failed - failures.broken(result)) / 2 and timeout(result)
    or result.connect and result.connect:percentile(50) or 0
  return function(t) return started(t) - failed(t + late) end
end

function passing.of(result)
  local timeline = result.timeline or {}
  local started, failed = cumulative(timeline, "started"), cumulative(timeline, "failed")
  local passed = passed_by(result, timeline, started, failed)
  local list, since, before = {}, 0, 0
  for _, slice in ipairs(timeline) do
    local sum = passed(slice.time)
    if slice.started > 0 then
      list[#list + 1] = { from = since, to = slice.time, started = slice.started,
        passed = math.max(0, sum - before) }
    end
    since, before = slice.time, math.max(before, sum)
  end
  local late = timeout(result) + SOON
  return list, function(from, to) return failed(to + late) - failed(from) end
end

return passing
