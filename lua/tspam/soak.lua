--- A long run at one rate, judged by criteria that are handed in. Pure: results in,
-- tables out.
-- A criterion is { name, limit, value = function(run) -> number, text = function(run) }: it is
-- violated where the value, without its sign, is not below the limit. run: what tspam.run
-- returned. Shares of these connections, and figures of the course of a run, are told here.

local confidence = require "tspam.soak.confidence"
local failures = require "tspam.failures"
local full_table = require "tspam.full_table"
local generator_limit = require "tspam.generator_limit"

local soak = {}

--- A shorter outage, in seconds, is a hiccup.
local OUTAGE <const> = 0.25

--- Seconds in which connections were opened: a signal cuts them short.
function soak.opened_for(run)
  if run.interrupted then
    return run.achieved > 0 and run.started / run.achieved or 0
  end
  return run.length
end

--- A count of the connections that were started, as a share.
function soak.share(n, run)
  return run.started > 0 and n / run.started or 0
end

--- Connections that were reset, or refused.
function soak.resets(run)
  return failures.count(run, "^reset/") + failures.count(run, "^refused/")
end

--- So many ended well a second.
function soak.established(run)
  local length = soak.opened_for(run)
  return length > 0 and run.ok / length or 0
end

-- Slices in which connections were opened for their whole time: without the last,
-- and without the first ones, until as many are open as last that long.
local function sustained(run)
  local list, lasts = {}, run.latency and run.latency:percentile(99) or 0
  for _, slice in ipairs(run.timeline) do
    if slice.started > 0 then
      list[#list + 1] = slice
    end
  end
  if #list > 4 then
    table.remove(list)
    local filled = table.remove(list, 1).time + lasts
    while #list > 2 and list[1].time < filled do
      table.remove(list, 1)
    end
  end
  return list
end

--- How many were open on average, and by how many a tenth of the run is off that at the
-- most: an instant's count says little. -> mean, worst
function soak.open(run)
  local slices, sum = sustained(run), 0
  for _, slice in ipairs(slices) do
    sum = sum + slice.open
  end
  local mean, worst = #slices > 0 and sum / #slices or 0, 0
  local size = math.max(1, #slices // 10)
  for first = 1, #slices - size + 1, size do
    local part = 0
    for i = first, first + size - 1 do
      part = part + slices[i].open / size
    end
    worst = math.max(worst, math.abs(part - mean))
  end
  return mean, worst
end

-- -> list of {name, value, limit, text, pass}, is one violated?
local function judged(run, criteria)
  local list, violated = {}, false
  for i, criterion in ipairs(criteria) do
    local value = criterion.value(run)
    local pass = run.started > 0 and math.abs(value) < criterion.limit
    list[i] = { name = criterion.name, value = value, limit = criterion.limit,
      text = criterion.text(run), pass = pass }
    violated = violated or not pass
  end
  return list, violated
end

-- What was cut short, or spoiled by this machine, says nothing of the target.
local function without_verdict(answer, reason)
  answer.reason = reason
  for _, criterion in ipairs(answer.criteria) do
    criterion.pass = nil
  end
end

-- A pass is a claim: it takes the confidence that so few fail. A criterion that is
-- violated is violated, however few they were.
local function decide(answer, run, violated)
  local limit, why = generator_limit.of(run)
  if run.interrupted then
    answer.interrupted = soak.opened_for(run)
    without_verdict(answer, "interrupted")
  elseif limit then
    answer.limited_by = limit
    without_verdict(answer, ("this machine was the limit (%s): %s"):format(limit, why))
  elseif violated then
    answer.pass = false
  elseif answer.confidence.enough then
    answer.pass = true
  else
    answer.reason = confidence.too_few(answer.confidence, run.rate)
  end
  answer.conclusive = answer.pass ~= nil
end

local function outages(run)
  local list, length = {}, soak.opened_for(run)
  for _, gap in ipairs(full_table.gaps(run)) do
    if (gap.to or length) - gap.from >= OUTAGE then
      list[#list + 1] = gap
    end
  end
  return list
end

local function add_state(answer, verdict)
  answer.state_capacity, answer.sustainable = verdict.entries, verdict.sustained
  answer.lifetime, answer.outages = verdict.lifetime, {}
end

--- -> {pass, conclusive, reason, limited_by, criteria, confidence, outages, state_capacity,
-- lifetime, sustainable, failed_at, recovered}. pass is nil where that is not known, reason says
-- why; of one that was interrupted interrupted says after how long. seen: a sign of a
-- full table that this run alone does not decide: soak.add tells what an experiment did.
function soak.judge(run, criteria)
  local list, violated = judged(run, criteria)
  local answer = { criteria = list, outages = outages(run),
    confidence = confidence.of(run.failed, run.started, criteria[1].limit) }
  decide(answer, run, violated)
  local seen, verdict = full_table.seen(run), full_table.within(run)
  if seen then
    answer.failed_at, answer.recovered = seen.time, seen.again
  end
  if verdict and verdict.kind == "state" then
    add_state(answer, verdict)
  elseif seen and not verdict and not answer.limited_by then
    answer.seen = seen
  end
  return answer
end

-- Until when, in seconds of the run: the outage that lasted to its end.
local function ended(list, time)
  for _, outage in ipairs(list) do
    outage.to = outage.to or time
  end
end

--- What full_table.examine found out about answer.seen; began: when the run began, in its
-- time.
function soak.add(answer, verdict, began)
  answer.examined = verdict
  if verdict.kind == "state" then
    add_state(answer, verdict)
    local outage = verdict.outage
    answer.outages[1] = outage and { from = outage.from - began, to = outage.to - began }
  elseif verdict.kind == "outage" then
    ended(answer.outages, verdict.to - began)
  end
end

--- The exit status: 3 for a fail, 4 where too few were made to tell, in a dry run
-- too. status: what the run and --require came to.
function soak.status(answer, status)
  if status >= 4 then
    return status
  elseif answer.pass == false then
    return 3
  end
  return answer.confidence.enough and status or 4
end

return soak
