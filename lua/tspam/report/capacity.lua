--- Report of a capacity: the answer in sentences, and the fields of the JSON document.

local format = require "tspam.format"
local json = require "tspam.json"

local report = {}

local function at(time)
  return ("%.2f s"):format(time)
end

local function closes(answer)
  local first = answer.first_failure
  return ("it closes those that are held, the first after %s and %s (%s, mostly %s): an idle "
    .. "time-out, or room made for new ones"):format(at(first.time),
    format.plural(first.count, "connection"), format.count(answer.closes), answer.worst)
end

local function limited(answer)
  return ("a share of new ones fails, steadily (mostly %s)%s: open more slowly (-r)"):format(
    answer.worst, answer.rate_limit
    and (", about %s get through"):format(format.rate(answer.rate_limit)) or "")
end

local function outage(answer)
  return ("from %s to %s%s"):format(at(answer.outage.from), at(answer.outage.to),
    answer.outage.at_latest and " at the latest" or "")
end

-- What is known instead of a second count.
local ONCE <const> = {
  outage = function(answer)
    return ("an outage, %s; all was as before after it. Run it again"):format(outage(answer))
  end,
  silent = function(answer)
    return ("it is full, or dead: no new one was accepted for %s"):format(
      format.time(answer.waited))
  end,
  unclear = function(answer) return "counted once: " .. answer.unclear end,
  interrupted = function() return "counted once: interrupted" end,
  error = function() return "counted once" end,
}

local function full(answer)
  local text = ("(nearly) all new ones failed after %s, from %s on; mostly %s"):format(
    format.plural(answer.full.connections or answer.full.count, "connection"),
    at(answer.full.time), answer.worst)
  if answer.full.time == answer.first_failure.time then
    text = ("the first failure came after %s, at %s; mostly %s"):format(
      format.plural(answer.first_failure.count, "connection"), at(answer.full.time), answer.worst)
  end
  if answer.counted == 2 then
    return text .. (answer.outage and ("; that was an outage, %s; then the same count came twice")
      :format(outage(answer)) or "; the same count came a second time")
  end
  local why = ONCE[answer.verdict]
  return ("%s; %s"):format(text, why and why(answer)
    or "counted once: a full table, an outage and a dead target look the same")
end

local function forgets(answer)
  return ("new ones were accepted to the end, but %s of those held had been lost (mostly %s): an "
    .. "idle time-out, or room made for new ones"):format(format.count(answer.forgotten),
    answer.worst)
end

local function well(answer)
  if answer.closed > 0 then
    return ("it closed %s that were held, the first after %s: perhaps an idle time-out"):format(
      format.plural(answer.closed, "connection"), at(answer.closed_time))
  elseif answer.failed > 0 then
    return ("new ones were accepted to the end, though %s failed (mostly %s)"):format(
      format.plural(answer.failed, "connection"), answer.worst)
  end
  return ("no limit found up to %s"):format(format.plural(answer.connections, "connection"))
end

--- Why the answer is what it is.
function report.reason(answer)
  if answer.why then
    return answer.why
  elseif answer.interrupted then
    return "interrupted"
  end
  local say = answer.closes and closes or answer.limited and limited or answer.counted and full
    or answer.forgotten and forgets or well
  return say(answer) .. (answer.at_end
    and "; this machine was late only when all were closed" or "")
end

local function whose(answer)
  if answer.limited_by == "target" then
    return answer.forgotten and "and the target keeps no more" or "then the target takes no more"
  elseif answer.limited_by == "generator" then
    return "but this machine was late or busy, so the target's limit is not known"
  elseif answer.counted or answer.limited then
    return "and whether the target takes more is not known"
  elseif answer.limited_by == "none found" then
    return "and the target's limit was not reached"
  end
  return ("then this machine's limit came (%s), not the target's"):format(answer.limited_by)
end

local function ending(answer)
  if answer.interrupted and answer.limited_by == "none found" then
    return " when the run was interrupted; no limit had shown"
  end
  return (", %s: %s"):format(whose(answer), report.reason(answer))
end

local function again(answer)
  if answer.recovery then
    local since = answer.lifetime and (", %s after the first was opened"):format(
      format.time(answer.lifetime)) or ""
    return ("New ones are accepted again %s after all were closed%s.\n"):format(
      format.time(answer.recovery), since)
  elseif answer.waited then
    return ("No new one was accepted for %s after all were closed.\n"):format(
      format.time(answer.waited))
  end
  return ""
end

function report.sentence(answer)
  if not answer.connections then
    return format.sentence("Not one connection was held: " .. answer.why) .. "\n"
  end
  local survived = answer.survived and (" %s of them survived."):format(
    format.count(answer.survived)) or ""
  return ("%s %s open at once%s.%s\n%s"):format(format.plural(answer.connections, "connection"),
    answer.connections == 1 and "was" or "were", ending(answer), survived, again(answer))
end

--- { {key, value}, … } for the JSON document.
function report.fields(answer)
  return { "answer", json.object {
    { "connections", answer.connections }, { "first_failure", json.plain(answer.first_failure) },
    { "survived", answer.survived }, { "counted", answer.counted },
    { "recovery", answer.recovery }, { "waited", answer.waited },
    { "lifetime", answer.lifetime }, { "outage", json.plain(answer.outage) },
    { "limited_by", answer.limited_by }, { "reason", report.reason(answer) },
  } }
end

return report
