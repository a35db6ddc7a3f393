--- A long run at one rate, judged by RFC 9411's criteria. Pure: results in,
-- tables out.

local format = require "tspam.format"
local json = require "tspam.json"
local state = require "tspam.soak.state"

local soak = {}

--- RFC 9411: of failed transactions and of unexpected resets less than this.
local FAILURES <const> = 1e-5
local RATE <const>, CONCURRENCY <const> = 0.05, 0.1
--- Few open connections waver by more than a tenth of themselves.
local OPEN_FLOOR <const> = 2

--- No run lasts longer, in seconds.
local LONGEST <const> = 1e6

--- max(300 s, what 300,000 connections take): so many without a failure show,
-- with 95 % confidence, that fewer than one in 100,000 fails. -> seconds, and
-- whether they are too few for that
function soak.default_length(rate)
  return math.min(LONGEST, math.max(300, 3e5 / rate)), 3e5 / rate > LONGEST
end

-- Seconds in which connections were opened: a signal cuts them short.
local function opened_for(result)
  if result.interrupted then
    return result.achieved > 0 and result.started / result.achieved or 0
  end
  return result.length
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

-- Slices in which connections were opened for their whole time: without the last,
-- and without the first ones, until as many are open as last that long.
local function sustained(result)
  local list, lasts = {}, result.latency and result.latency:percentile(99) or 0
  for _, slice in ipairs(result.timeline) do
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

local function share_criterion(name, k, n)
  return { name = name, value = n > 0 and k / n or 0, limit = FAILURES,
    pass = n > 0 and k / n < FAILURES,
    text = ("%s of %s, less than 0.001 %% wanted"):format(format.count(k), format.count(n)) }
end

local function rate_criterion(result)
  local length = opened_for(result)
  local rate = length > 0 and result.ok / length or 0
  local ratio = rate / result.rate
  return { name = "rate", value = ratio - 1, limit = RATE, pass = math.abs(ratio - 1) <= RATE,
    text = ("%s established, %s asked, within 5 %% wanted"):format(
      format.rate(rate), format.rate(result.rate)) }
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

--- -> {pass, criteria, confidence, state_capacity, sustainable, recovered}. One
-- that was interrupted has figures, but no pass: interrupted says after how long.
function soak.judge(result)
  local answer = { pass = true, criteria = criteria(result) }
  for _, criterion in ipairs(answer.criteria) do
    answer.pass = answer.pass and criterion.pass
  end
  if result.interrupted then
    answer.pass, answer.interrupted = nil, opened_for(result)
    for _, criterion in ipairs(answer.criteria) do
      criterion.pass = nil
    end
  end
  local bound = soak.bound(result.failed, result.started)
  answer.confidence = { connections = result.started, failed = result.failed, bound = bound,
    level = 0.95, enough = bound ~= nil and bound < FAILURES }
  local full = state(result, opened_for(result))
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

local WORD <const> = { [true] = "pass", [false] = "FAIL" }

local function verdict_text(answer)
  if answer.interrupted then
    return ("Interrupted after %s: no verdict.\n"):format(format.time(answer.interrupted))
  end
  return ("The soak %s.\n"):format(answer.pass and "passes" or "fails")
end

function soak.text(answer)
  local lines = {}
  for i, criterion in ipairs(answer.criteria) do
    lines[i] = ("%-12s %-5s %s\n"):format(criterion.name, WORD[criterion.pass] or "-",
      criterion.text)
  end
  local confidence = answer.confidence
  lines[#lines + 1] = ("With 95 %% confidence at most %s fail%s.\n"):format(
    format.share(confidence.bound or 1, 1),
    confidence.enough and "" or " (less than 0.001 % takes 300,000 without a failure to show)")
  if answer.state_capacity then
    lines[#lines + 1] = state_text(answer)
  end
  lines[#lines + 1] = verdict_text(answer)
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
