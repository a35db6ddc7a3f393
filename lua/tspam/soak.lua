--- A long run at one rate, judged by RFC 9411's criteria. Pure: results in,
-- tables out.

local format = require "tspam.format"
local json = require "tspam.json"

local soak = {}

--- RFC 9411: of failed transactions and of unexpected resets less than this.
local FAILURES <const> = 1e-5
local RATE <const>, CONCURRENCY <const> = 0.05, 0.1
--- Few open connections waver by more than a tenth of themselves.
local OPEN_FLOOR <const> = 2
--- A median that stays under twice its first, or moves less than 5 ms, is flat.
local FLAT <const>, FLAT_FLOOR <const> = 2, 5e-3
--- What may end well after a table is full, of all that is tried; an interval in
-- which more than half does is no longer part of the outage.
local LEAK <const>, HALF <const> = 0.1, 0.5
--- Fewer connections, or failures, than this tell nothing of state.
local FEW <const> = 10
--- A shorter outage, in seconds, is a hiccup.
local OUTAGE <const> = 0.25

--- max(300 s, what 300,000 connections take): so many without a failure show,
-- with 95 % confidence, that fewer than one in 100,000 fails.
function soak.default_length(rate)
  return math.max(300, 3e5 / rate)
end

local function poisson_at_most(k, mean)
  local term, sum = math.exp(-mean), 0
  for i = 0, k do
    sum = sum + term
    term = term * mean / (i + 1)
  end
  return sum
end

--- The share of failures that k of n are compatible with, at 95 %: for k = 0 the
-- rule of three, 3 / n.
function soak.bound(k, n)
  if n == 0 then
    return nil
  elseif k > 200 then
    return math.min(1, (k + 1.645 * math.sqrt(k) + 1.2) / n)
  end
  local low, high = k, 3 * k + 5
  for _ = 1, 60 do
    local mean = (low + high) / 2
    if poisson_at_most(k, mean) > 0.05 then
      low = mean
    else
      high = mean
    end
  end
  return math.min(1, high / n)
end

local function resets(result)
  local n = 0
  for name, count in pairs(result.failures) do
    n = n + ((name:find("^reset/") or name:find("^refused/")) and count or 0)
  end
  return n
end

-- Slices in which connections were opened for their whole time: without the
-- first, which warms up, and the last.
local function sustained(result)
  local list = {}
  for _, slice in ipairs(result.timeline) do
    if slice.started > 0 then
      list[#list + 1] = slice
    end
  end
  if #list > 4 then
    table.remove(list)
    table.remove(list, 1)
  end
  return list
end

local function share_criterion(name, k, n)
  return { name = name, value = n > 0 and k / n or 0, limit = FAILURES,
    pass = n > 0 and k / n < FAILURES,
    text = ("%s of %s, less than 0.001 %% wanted"):format(format.count(k), format.count(n)) }
end

local function rate_criterion(result)
  local ratio = result.ok / result.length / result.rate
  return { name = "rate", value = ratio - 1, limit = RATE, pass = math.abs(ratio - 1) <= RATE,
    text = ("%s established, %s asked, within 5 %% wanted"):format(
      format.rate(result.ok / result.length), format.rate(result.rate)) }
end

-- Tenths of the run against its mean: an instant's count says little.
local function concurrency_criterion(result)
  local slices, sum = sustained(result), 0
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
  local pass = worst <= math.max(CONCURRENCY * mean, OPEN_FLOOR)
  return { name = "concurrency", value = mean > 0 and worst / mean or 0, limit = CONCURRENCY,
    pass = pass, text = ("%.1f open on average, a tenth of the run off by %.1f, within 10 %% "
      .. "or 2 wanted"):format(mean, worst) }
end

local function criteria(result)
  return {
    share_criterion("failed", result.failed, result.started),
    share_criterion("resets", resets(result), result.started),
    rate_criterion(result),
    concurrency_criterion(result),
  }
end

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
-- in this run), and how many did until then. Exact to a connection where the rate is
-- even: what a slice has of good ones came at its end.
local function outage(result, first)
  local leaked, since = 0, 0
  for _, slice in ipairs(result.timeline) do
    local full = result.rate * (slice.time - since)
    if since >= first.time then
      if slice.ok > HALF * full then
        return slice.time - math.min(1, slice.ok / full) * (slice.time - since), leaked
      end
      leaked = leaked + slice.ok
    end
    since = slice.time
  end
  return nil, leaked
end

-- All went well up to a count, with flat latency, and then nothing: state. Entries
-- are given back from the first on, so what is carried for long is that count in
-- the time from the start until new ones are accepted again.
local function state(result)
  local first = result.first_failure
  if not first or first.count < FEW or result.failed < FEW
    or not flat_until(result, first.time) then
    return nil
  end
  local again, leaked = outage(result, first)
  local dead = (again or result.length) - first.time
  if dead < OUTAGE or leaked > LEAK * dead * result.rate then
    return nil
  end
  return { connections = first.count, time = first.time, recovered = again,
    sustainable = again and first.count / again or nil }
end

--- -> {pass, criteria, confidence, state_capacity, sustainable, recovered}
function soak.judge(result)
  local answer = { pass = true, criteria = criteria(result) }
  for _, criterion in ipairs(answer.criteria) do
    answer.pass = answer.pass and criterion.pass
  end
  local bound = soak.bound(result.failed, result.started)
  answer.confidence = { connections = result.started, failed = result.failed, bound = bound,
    level = 0.95, enough = bound ~= nil and bound < FAILURES }
  local full = state(result)
  if full then
    answer.state_capacity, answer.sustainable = full.connections, full.sustainable
    answer.recovered, answer.failed_at = full.recovered, full.time
  end
  return answer
end

local function state_text(answer)
  local text = ("State capacity is about %s: they went well, at flat latency, and at t = %.2f s "
    .. "new ones began to fail."):format(format.plural(answer.state_capacity, "connection"),
    answer.failed_at)
  if answer.sustainable then
    text = text .. (" They were accepted again at t = %.1f s: about %s can be sustained."):format(
      answer.recovered, format.rate(answer.sustainable))
  end
  return text .. "\n"
end

function soak.text(answer)
  local lines = {}
  for i, criterion in ipairs(answer.criteria) do
    lines[i] = ("%-12s %-5s %s\n"):format(criterion.name, criterion.pass and "pass" or "FAIL",
      criterion.text)
  end
  local confidence = answer.confidence
  lines[#lines + 1] = ("With 95 %% confidence at most %.2g %% fail%s.\n"):format(
    100 * (confidence.bound or 1),
    confidence.enough and "" or " (less than 0.001 % takes 300,000 without a failure to show)")
  if answer.state_capacity then
    lines[#lines + 1] = state_text(answer)
  end
  lines[#lines + 1] = ("The soak %s.\n"):format(answer.pass and "passes" or "fails")
  return table.concat(lines)
end

--- The field "answer" of the JSON document.
function soak.field(answer)
  local list = {}
  for i, criterion in ipairs(answer.criteria) do
    list[i] = json.object { { "name", criterion.name }, { "pass", criterion.pass },
      { "value", criterion.value }, { "limit", criterion.limit }, { "text", criterion.text } }
  end
  return { "answer", json.object {
    { "pass", answer.pass }, { "criteria", json.list(list) },
    { "confidence", json.plain(answer.confidence) }, { "state_capacity", answer.state_capacity },
    { "failed_at", answer.failed_at }, { "recovered", answer.recovered },
    { "sustainable", answer.sustainable },
  } }
end

return soak
