--- Report of a soak: the criteria, what was full or away, the verdict, the JSON.

local format = require "tspam.format"
local json = require "tspam.json"

local report = {}

local WORD <const> = { [true] = "pass", [false] = "FAIL" }

local function state_text(answer)
  local text = ("State capacity is about %s: they went well, at flat latency, and at t = %.2f s "
    .. "new ones began to fail; the same count came a second time."):format(
    format.plural(answer.state_capacity, "connection"), answer.failed_at)
  if answer.sustainable then
    text = text .. (" An entry lives %s: about %s can be sustained."):format(
      format.time(answer.lifetime), format.rate(answer.sustainable))
  end
  return text .. "\n"
end

--- Why the second count did not decide.
local UNDECIDED <const> = {
  silent = function(verdict)
    return ("no new one was accepted for %s: it is full, or dead"):format(
      format.time(verdict.waited))
  end,
  unclear = function(verdict) return verdict.reason end,
  interrupted = function() return "interrupted" end,
  error = function() return "the second count was refused" end,
}

-- nil: nothing looked like a full table, or it is known what it was.
local function undecided(answer)
  if not answer.seen or answer.state_capacity then
    return nil
  end
  local verdict = answer.examined
  local why = "an outage looks the same"
  if verdict then
    why = UNDECIDED[verdict.kind] and UNDECIDED[verdict.kind](verdict)
  end
  return why and ("after %s, at t = %.2f s, new ones began to fail; that was counted once (%s)")
    :format(format.plural(answer.seen.connections, "connection"), answer.seen.time, why)
end

local function outage_text(outage)
  return ("Outage: (nearly) nothing got through from t = %.2f s %s.\n"):format(outage.from,
    outage.to and ("to t = %.2f s"):format(outage.to) or "to the end")
end

local function verdict_text(answer)
  if answer.interrupted then
    return ("Interrupted after %s: no verdict.\n"):format(format.time(answer.interrupted))
  elseif not answer.conclusive then
    return ("The soak is inconclusive: %s.\n"):format(answer.reason)
  end
  return ("The soak %s.\n"):format(answer.pass and "passes" or "fails")
end

function report.text(answer)
  local lines = {}
  for i, criterion in ipairs(answer.criteria) do
    lines[i] = ("%-12s %-5s %s\n"):format(criterion.name, WORD[criterion.pass] or "-",
      criterion.text)
  end
  lines[#lines + 1] = ("With 95 %% confidence at most %s fail.\n"):format(
    format.share(answer.confidence.bound or 1, 1))
  for _, outage in ipairs(answer.outages) do
    lines[#lines + 1] = outage_text(outage)
  end
  local open_question = undecided(answer)
  if answer.state_capacity then
    lines[#lines + 1] = state_text(answer)
  elseif open_question then
    lines[#lines + 1] = ("State capacity is not known: %s.\n"):format(open_question)
  end
  lines[#lines + 1] = verdict_text(answer)
  return table.concat(lines)
end

--- The field "answer" of the JSON document.
function report.field(answer)
  local list, outages = {}, {}
  for i, criterion in ipairs(answer.criteria) do
    list[i] = json.object { { "name", criterion.name }, { "pass", criterion.pass },
      { "value", criterion.value }, { "limit", criterion.limit }, { "text", criterion.text } }
  end
  for i, outage in ipairs(answer.outages) do
    outages[i] = json.object { { "from", outage.from }, { "to", outage.to } }
  end
  return { "answer", json.object {
    { "pass", answer.pass }, { "conclusive", answer.conclusive },
    { "limited_by", answer.limited_by }, { "reason", answer.reason },
    { "criteria", json.list(list) }, { "confidence", json.plain(answer.confidence) },
    { "outages", json.list(outages) },
    { "state_capacity", answer.state_capacity }, { "state_unknown", undecided(answer) },
    { "failed_at", answer.failed_at }, { "recovered", answer.recovered },
    { "lifetime", answer.lifetime }, { "sustainable", answer.sustainable },
  } }
end

return report
