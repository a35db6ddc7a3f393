--- Report of a saturation search: a row per trial, the answer in a sentence, two
-- small plots, the fields of the JSON document.

local to_json = require "tspam.to_json"
local format = require "tspam.format"
local json = require "tspam.json"
local limit = require "tspam.report.limit"
local plot = require "tspam.plot"

local report = {}

local ROW <const> = "%10s %10s %10s %10s %8s %8s  %-7s  %s\n"
local MARK <const> = { pass = "o", fail = "x", invalid = "?" }

report.header = ROW:format("rate", "achieved", "median", "p99", "failed", "retrans", "verdict",
  "why")

--- One trial as a row of the table.
function report.row(entry)
  local r = entry.result
  return ROW:format(format.rate(entry.rate), format.rate(r.achieved or 0),
    format.time(r.latency:percentile(50)), format.time(r.latency:percentile(99)),
    format.share(r.failed, r.started), format.share(r.retransmitted, r.started),
    entry.trial, entry.why)
end

local function interval(answer)
  if answer.upper and answer.lower then
    return ("%s (between %s and %s)"):format(format.rate(answer.rate), format.rate(answer.lower),
      format.rate(answer.upper))
  end
  return format.rate(answer.rate)
end

local function whose(answer)
  if answer.limited_by == "target" then
    return "the target's limit"
  elseif answer.limited_by == "generator" then
    return "this generator's limit, not the target's"
  elseif answer.limited_by == "none found" then
    return "no limit of the target"
  end
  return ("this machine's limit (%s), not the target's"):format(answer.limited_by)
end

local function ending(outcome)
  local words = { ("%s were made in all"):format(format.plural(outcome.made, "connection")) }
  if outcome.reuse then
    words[#words + 1] = ("the shortest reuse of a source port was %s"):format(
      format.time(outcome.reuse))
  elseif not outcome.reuse_unknown then
    words[#words + 1] = "no source port was used twice"
  end
  if outcome.ceiling then
    words[#words + 1] = ("this machine's own ceiling is %s"):format(format.rate(outcome.ceiling))
  end
  return table.concat(words, ", ") .. "."
end

-- A search that was not carried to its end knows what passed, and no limit.
local function unfinished(answer)
  local known = "nothing is known of the target"
  if answer.rate then
    known = ("at least %s passed"):format(format.rate(answer.rate))
    known = answer.upper and ("%s, %s did not"):format(known, format.rate(answer.upper)) or known
  end
  return ("The search ended early (%s): %s."):format(answer.reason, known)
end

-- "no rate that lasts": what passes fills a table, only not yet.
local function no_rate(answer)
  if answer.limit and answer.limit.kind == "state" then
    return "No rate that lasts was found"
  end
  return "No rate was found"
end

-- A goal of the user's says itself how long a trial has to be.
local function longer(answer)
  local own = answer.goals and answer.goals[1] and answer.goals[1].name ~= "default"
  return answer.confirmed and not own and " Confirmed by a longer trial." or ""
end

local function verdict(answer)
  if answer.unfinished then
    return unfinished(answer)
  elseif answer.unstable_above then
    return ("%s is the highest stable rate: %s."):format(interval(answer), answer.reason)
  elseif not answer.rate and answer.limited_by == "none found" then
    return format.sentence("No rate was found: " .. answer.reason)
  elseif answer.limited_by == "none found" then
    return format.sentence(answer.reason:gsub("^%l", string.upper)) .. longer(answer)
  end
  return ("%s: %s; %s%s"):format(answer.rate and interval(answer) or no_rate(answer),
    whose(answer), format.sentence(answer.reason), longer(answer))
end

-- Several goals: one line each.
local function goals(answer)
  local lines = {}
  for _, goal in ipairs(answer.goals or {}) do
    lines[#lines + 1] = ("Goal %s: lower bound %s, upper bound %s, conditional throughput %s.\n")
      :format(goal.name, goal.lower and format.rate(goal.lower) or "-",
      goal.upper and format.rate(goal.upper) or "-",
      goal.conditional_throughput and format.rate(goal.conditional_throughput) or "-")
  end
  local own = #lines == 1 and answer.goals[1].name == "default"
  return own and "" or table.concat(lines)
end

-- Times of which nothing is known: "from 12 s to 14 s".
local function outages(list)
  local parts = {}
  for i, outage in ipairs(list or {}) do
    parts[i] = ("from %.1f s to %.1f s"):format(outage.from, outage.to)
  end
  return #parts > 0 and ("The target served nobody %s of the search: no evidence of its rate.\n")
    :format(table.concat(parts, ", ")) or ""
end

--- The answer in a sentence, and what it rests on.
function report.sentence(outcome)
  local answer = outcome.answer
  return ("%s\n%s%s%s%s\n"):format(verdict(answer), limit.sentence(answer.limit), goals(answer),
    outages(outcome.outages), ending(outcome))
end

local function points(trials, value)
  local list = {}
  for i, entry in ipairs(trials) do
    local y = value(entry.result)
    list[#list + 1] = y and { entry.rate, y, MARK[trials[i].trial] } or nil
  end
  return list
end

--- Latency and failures over rate; "" where there is too little to draw.
function report.plots(trials)
  local latency = plot(points(trials, function(r) return r.latency:percentile(50) end), {
    title = "median latency (o pass, x fail, ? invalid)", unit = format.time, label = format.rate })
  local failed = plot(points(trials, function(r)
    return r.started > 0 and (r.failed + r.retransmitted_ok) / r.started or nil
  end), { title = "failed and retransmitted", label = format.rate,
    unit = function(y) return format.share(y, 1) end })
  local text = ""
  for _, lines in ipairs { latency, failed } do
    text = text .. (#lines > 0 and "\n" .. table.concat(lines, "\n") .. "\n" or "")
  end
  return text
end

local function trials(outcome)
  local list = {}
  for i, entry in ipairs(outcome.trials) do
    list[i] = to_json.run(entry.result, { { "trial", entry.trial }, { "why", entry.why } })
  end
  return json.list(list)
end

local GOAL <const> = { "name", "final", "sum", "loss", "exceed", "width", "lower", "upper",
  "conditional_throughput" }

local function values(list, keys)
  local items = {}
  for i, item in ipairs(list or {}) do
    local fields = {}
    for _, key in ipairs(keys) do
      fields[#fields + 1] = item[key] ~= nil and { key, item[key] } or nil
    end
    items[i] = json.object(fields)
  end
  return json.list(items)
end

--- { {key, value}, … } for the JSON document.
function report.fields(outcome)
  local answer = outcome.answer
  return {
    { "answer", json.object {
      { "rate", answer.rate }, { "lower", answer.lower }, { "upper", answer.upper },
      { "limited_by", answer.limited_by }, { "reason", answer.reason },
      { "confirmed", answer.confirmed }, { "unfinished", answer.unfinished or false },
      { "unstable_above", answer.unstable_above }, { "limit", limit.value(answer.limit) },
      { "goals", values(answer.goals, GOAL) },
    } },
    { "outages", values(outcome.outages, { "from", "to" }) },
    { "trials", trials(outcome) },
    { "connections", outcome.made },
    { "shortest_reuse", outcome.reuse },
    { "ceiling", outcome.ceiling },
  }
end

return report
