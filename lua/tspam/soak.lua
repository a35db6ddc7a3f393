--- A long run at one rate, judged by RFC 9411's criteria. Pure: results in,
-- tables out.

local confidence = require "tspam.soak.confidence"
local failures = require "tspam.failures"
local format = require "tspam.format"
local json = require "tspam.json"
local generator_limit = require "tspam.generator_limit"
local state = require "tspam.soak.state"

local soak = {}

--- RFC 9411; of failed transactions and of unexpected resets it allows the same.
local RATE <const>, CONCURRENCY <const> = 0.05, 0.1
--- Few open connections waver by more than a tenth of themselves.
local OPEN_FLOOR <const> = 2

-- Seconds in which connections were opened: a signal cuts them short.
local function opened_for(result)
  if result.interrupted then
    return result.achieved > 0 and result.started / result.achieved or 0
  end
  return result.length
end

local function resets(result)
  return failures.count(result, "^reset/") + failures.count(result, "^refused/")
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
  return { name = name, value = n > 0 and k / n or 0, limit = confidence.share,
    pass = n > 0 and k / n < confidence.share,
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

local function violated(list)
  for _, criterion in ipairs(list) do
    if not criterion.pass then
      return true
    end
  end
  return false
end

local function too_few(result, needed)
  local failed = result.failed
  return ("no criterion is violated, but %s cannot show with 95 %% confidence that fewer than "
    .. "0.001 %% fail; %s can, if %s (%s)"):format(
    format.plural(result.started, "connection"), format.count(needed),
    failed == 0 and "none fails" or ("no more than %s fail"):format(format.count(failed)),
    confidence.way(result.rate, needed))
end

-- What was cut short, or spoiled by this machine, says nothing of the target.
local function without_verdict(answer, reason)
  answer.reason = reason
  for _, criterion in ipairs(answer.criteria) do
    criterion.pass = nil
  end
end

-- A pass is a claim: it takes the confidence that fewer than 0.001 % fail. A
-- criterion that is violated is violated, however few they were.
local function decide(answer, result)
  local limit, why = generator_limit.of(result)
  if result.interrupted then
    answer.interrupted = opened_for(result)
    without_verdict(answer, "interrupted")
  elseif limit then
    answer.limited_by = limit
    without_verdict(answer, ("this machine was the limit (%s): %s"):format(limit, why))
  elseif violated(answer.criteria) then
    answer.pass = false
  elseif answer.confidence.enough then
    answer.pass = true
  else
    answer.reason = too_few(result, answer.confidence.needed)
  end
  answer.conclusive = answer.pass ~= nil
end

--- -> {pass, conclusive, reason, limited_by, criteria, confidence, state_capacity,
-- sustainable, recovered}. pass is nil where that is not known, reason says why; of
-- one that was interrupted interrupted says after how long.
function soak.judge(result)
  local answer = { criteria = criteria(result),
    confidence = confidence.of(result.failed, result.started) }
  decide(answer, result)
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
  elseif not answer.conclusive then
    return ("The soak is inconclusive: %s.\n"):format(answer.reason)
  end
  return ("The soak %s.\n"):format(answer.pass and "passes" or "fails")
end

function soak.text(answer)
  local lines = {}
  for i, criterion in ipairs(answer.criteria) do
    lines[i] = ("%-12s %-5s %s\n"):format(criterion.name, WORD[criterion.pass] or "-",
      criterion.text)
  end
  lines[#lines + 1] = ("With 95 %% confidence at most %s fail.\n"):format(
    format.share(answer.confidence.bound or 1, 1))
  if answer.state_capacity then
    lines[#lines + 1] = state_text(answer)
  end
  lines[#lines + 1] = verdict_text(answer)
  return table.concat(lines)
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

--- The field "answer" of the JSON document.
function soak.field(answer)
  local list = {}
  for i, criterion in ipairs(answer.criteria) do
    list[i] = json.object { { "name", criterion.name }, { "pass", criterion.pass },
      { "value", criterion.value }, { "limit", criterion.limit }, { "text", criterion.text } }
  end
  return { "answer", json.object {
    { "pass", answer.pass }, { "conclusive", answer.conclusive },
    { "limited_by", answer.limited_by }, { "reason", answer.reason },
    { "criteria", json.list(list) }, { "confidence", json.plain(answer.confidence) },
    { "state_capacity", answer.state_capacity }, { "failed_at", answer.failed_at },
    { "recovered", answer.recovered }, { "sustainable", answer.sustainable },
  } }
end

return soak
