-- The report of saturate: the answer in a sentence, what it rests on, rows, JSON.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local dkjson = require "dkjson"
local fixture = require "fixture"
local json = require "tspam.json"
local report = require "tspam.report.saturate"
local test, equal, contains = t.test, t.equal, t.contains

local function outcome(answer, more)
  local o = { answer = answer, made = 12345, trials = {
    { rate = 1000, length = 3, trial = "pass", why = "as at the lowest rate",
      result = fixture.result() } } }
  for key, value in pairs(more or {}) do
    o[key] = value
  end
  return o
end

test("the answer is a sentence: rate, interval, whose limit, why, how many", function()
  local text = report.sentence(outcome({ rate = 300, lower = 298, upper = 307, confirmed = true,
    limited_by = "target", reason = "at 307/s: a queue grows" }, { reuse = 2.5, ceiling = 20000 }))
  equal(text, "300/s (between 298/s and 307/s): the target's limit; at 307/s: a queue grows. "
    .. "Confirmed by a longer trial.\n12,345 connections were made in all, the shortest reuse of a "
    .. "source port was 2.50 s, this machine's own ceiling is 20.0k/s.\n")
end)

test("a limit of this machine is called that", function()
  local text = report.sentence(outcome { rate = 300, limited_by = "own ports", reason = "x" })
  contains(text, "this machine's limit (own ports), not the target's")
end)

test("a reason that ends in a question has no full stop behind it", function()
  contains(report.sentence(outcome { limited_by = "target", reason = "all failed; why?" }),
    "No rate was found: the target's limit; all failed; why?\n")
end)

test("where there is no rate, the sentence says what happened, and of no limit", function()
  local text = report.sentence(outcome { limited_by = "none found", reason = "all failed; why?" })
  equal(text:match("[^\n]*"), "No rate was found: all failed; why?")
end)

test("a search that was interrupted says so, and what passed until then", function()
  local answer = { rate = 300, lower = 300, upper = 375, limited_by = "none found",
    reason = "interrupted", unfinished = true }
  contains(report.sentence(outcome(answer)),
    "The search ended early (interrupted): at least 300/s passed, 375/s did not.\n")
  answer.upper = nil
  contains(report.sentence(outcome(answer)), "at least 300/s passed.\n")
  answer.rate = nil
  contains(report.sentence(outcome(answer)), "nothing is known of the target.\n")
end)

test("plots of one trial are left out, without a line for them", function()
  equal(report.plots(outcome {}.trials), "")
end)

test("a trial is a row with its verdict and its reason", function()
  local row = report.row(outcome {}.trials[1])
  for _, words in ipairs { "1,000/s", "50.0 ms", "1.0 %", "pass", "as at the lowest rate" } do
    contains(row, words)
  end
end)

test("the document has the answer, and each trial as a run with verdict and reason", function()
  local text = json.encode(json.object(report.fields(outcome {
    rate = 300, lower = 298, limited_by = "none found", reason = "x", confirmed = false })))
  local value = dkjson.decode(text)
  equal(value.answer.rate, 300)
  equal(value.answer.upper, nil)
  equal(value.answer.confirmed, false)
  equal(value.trials[1].trial, "pass")
  equal(value.trials[1].why, "as at the lowest rate")
  equal(value.trials[1].due, 10000)
  equal(value.connections, 12345)
end)

test("where the kernel picks ports nothing is said of their reuse", function()
  local answer = { rate = 300, lower = 300, upper = 307, limited_by = "none found", reason = "r" }
  local known = report.sentence { answer = answer, made = 5 }
  local unknown = report.sentence { answer = answer, made = 5, reuse_unknown = true }
  contains(known, "5 connections were made in all, no source port was used twice.")
  contains(unknown, "5 connections were made in all.")
end)

-- The first line of the report of an answer.
local function sentence(answer, more)
  return report.sentence(outcome(answer, more)):match("[^\n]*")
end

test("no limit is a sentence of its own", function()
  equal(sentence { rate = 80, lower = 80, limited_by = "none found", confirmed = true,
    reason = "no limit found up to 80/s (--max-rate)" },
    "No limit found up to 80/s (--max-rate). Confirmed by a longer trial.")
end)

test("a search for a goal of the user's is not said to be confirmed by a longer trial", function()
  local answer = { rate = 80, lower = 80, limited_by = "none found", confirmed = true,
    reason = "no limit found up to 80/s", goals = { { name = "rfc2544", lower = 80 } } }
  equal(sentence(answer), "No limit found up to 80/s.")
  answer.goals[1].name = "default"
  equal(sentence(answer), "No limit found up to 80/s. Confirmed by a longer trial.")
end)

test("unstable is told with the highest stable rate", function()
  equal(sentence { rate = 300, lower = 300, upper = 320, unstable_above = 300,
    limited_by = "target", reason = "trials disagree above it: at 320/s 2 of 5 trials lost more" },
    "300/s (between 300/s and 320/s) is the highest stable rate: trials disagree above it: "
    .. "at 320/s 2 of 5 trials lost more.")
end)

test("a full table has no rate that lasts, and its kind on a line of its own", function()
  local text = report.sentence(outcome { limited_by = "target",
    reason = "a table of the target is full",
    limit = { kind = "state", entries = 2000, lifetime = 125 } })
  contains(text, "No rate that lasts was found: the target's limit; a table of the target is "
    .. "full.\nKind of limit: a table of 2,000 entries that live 125 s: 16/s sustained.\n12,345 ")
end)

test("the kind of the limit comes after the answer", function()
  local text = report.sentence(outcome { rate = 300, lower = 298, upper = 307, reason = "r",
    limited_by = "target", limit = { kind = "open", connections = 33 } })
  contains(text, "307/s): the target's limit; r.\nKind of limit: at most 33 open at once.\n")
end)

test("several goals have a line each, the default one alone has none", function()
  local goals = {
    { name = "rfc2544", lower = 290, upper = 297, conditional_throughput = 290 },
    { name = "3/6/1%/0/5%", lower = 300 } }
  local answer = { rate = 290, limited_by = "target", reason = "r", goals = goals }
  local text = report.sentence(outcome(answer))
  contains(text, "\nGoal rfc2544: lower bound 290/s, upper bound 297/s, conditional throughput "
    .. "290/s.\nGoal 3/6/1%/0/5%: lower bound 300/s, upper bound -, conditional throughput -.\n")
  answer.goals = { { name = "default", lower = 290, upper = 297 } }
  equal(report.sentence(outcome(answer)):find("Goal ", 1, true), nil)
end)

test("outages are told, from when to when", function()
  local text = report.sentence(outcome({ rate = 290, limited_by = "target", reason = "r" },
    { outages = { { from = 12.04, to = 14 }, { from = 30, to = 31 } } }))
  contains(text, "\nThe target served nobody from 12.0 s to 14.0 s, from 30.0 s to 31.0 s of the "
    .. "search: no evidence of its rate.\n")
end)

test("the document has the kind of limit, the goals and the outages", function()
  local text = json.encode(json.object(report.fields(outcome({ rate = 300, lower = 298,
    upper = 307, limited_by = "target", reason = "x", confirmed = true, unstable_above = 300,
    limit = { kind = "rate", rate = 300, burst = 30 },
    goals = { { name = "default", final = 4, sum = 12, loss = 0.005, exceed = 0.5, width = 0.025,
      lower = 298, upper = 307, conditional_throughput = 298 } } },
    { outages = { { from = 1.5, to = 2.5 } } }))))
  local value = dkjson.decode(text)
  equal(value.answer.limit.kind, "rate")
  equal(value.answer.limit.burst, 30)
  equal(value.answer.unfinished, false)
  equal(value.answer.unstable_above, 300)
  local goal = value.answer.goals[1]
  for name, want in pairs { name = "default", final = 4, sum = 12, loss = 0.005, exceed = 0.5,
    width = 0.025, lower = 298, upper = 307, conditional_throughput = 298 } do
    equal(goal[name], want)
  end
  equal(value.outages[1].to, 2.5)
end)

test("lists of the document are lists, empty too", function()
  local text = json.encode(json.object(report.fields(outcome { rate = 300, reason = "x",
    limited_by = "none found" }))):gsub("%s", "")
  contains(text, '"goals":[]')
  contains(text, '"outages":[]')
end)

return t.finish()
