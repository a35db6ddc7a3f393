-- What a held run says of a target's state, over results of known figures.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local capacity = require "tspam.capacity"
local report = require "tspam.report.capacity"
local test, equal, contains = t.test, t.equal, t.contains

local function result(changes)
  local r = { due = 2000, started = 2000, ok = 1700, failed = 300, verdict = "valid", reasons = {},
    failures = { ["timeout/connect"] = 300 }, first_failure = { time = 3.4, count = 1700 } }
  for key, value in pairs(changes) do
    r[key] = value
  end
  r.due = r.started
  return r
end

--- What full_table.examine says when the same count came a second time.
local STATE <const> = { kind = "state", entries = 1700, recovery = 4.5, lifetime = 12 }

-- The memo of a run that was stopped with so many failures seen.
local function memo(full, failed, closed)
  return { full = full, failed = failed or 0, closed = closed or 0,
    closed_time = closed and 10.25 or nil }
end

test("a full table is the target's, with the count to the first failure", function()
  local answer = capacity.answer(result {}, memo(true, 300), STATE)
  equal(answer.connections, 1700)
  equal(answer.survived, 1700)
  equal(answer.first_failure.count, 1700)
  equal(answer.limited_by, "target")
  equal(answer.counted, 2)
  equal(answer.lifetime, 12)
  contains(report.sentence(answer), "1,700 connections were open at once, then the target takes")
  contains(report.sentence(answer), "mostly timeout/connect; the same count came a second time. "
    .. "1,700 of them survived.\nNew ones are accepted again 4.50 s after all were closed, 12.0 s "
    .. "after the first was opened.\n")
  equal(capacity.conclusive(answer), true)
end)

test("a count that came once is told, and whether the target takes more is not known", function()
  for _, row in ipairs {
    { nil, "; counted once: a full table, an outage and a dead target look the same." },
    { { kind = "silent", waited = 300 },
      "; it is full, or dead: no new one was accepted for 300 s" },
    { { kind = "unclear", reason = "the counts differ" }, "; counted once: the counts differ." },
    { { kind = "interrupted" }, "; counted once: interrupted." },
    { { kind = "outage", from = 103.4, to = 105.5, at_latest = true },
      "; an outage, from 3.40 s to 5.50 s at the latest; all was as before after it. Run it" },
  } do
    local answer = capacity.answer(result {}, memo(true, 300), row[1], 100)
    equal(answer.connections, 1700)
    equal(answer.limited_by, "none found")
    equal(answer.counted, 1)
    equal(capacity.conclusive(answer), false)
    contains(report.sentence(answer), "1,700 connections were open at once, and whether the target "
      .. "takes more is not known: the first failure came after 1,700 connections, at 3.40 s")
    contains(report.sentence(answer), row[2])
  end
end)

test("an outage on the way to a full table is told beside the table's count", function()
  local answer = capacity.answer(result {}, memo(true, 300), { kind = "state", entries = 2500,
    outage = { from = 103.4, to = 105.5 } }, 100)
  equal(answer.connections, 2500)
  equal(answer.survived, nil)
  equal(answer.outage.to, 5.5)
  equal(capacity.conclusive(answer), true)
  contains(report.sentence(answer), "that was an outage, from 3.40 s to 5.50 s; then the same "
    .. "count came twice.\n")
end)

test("where a share gets through the rate is too fast, and no count is a capacity", function()
  local timeline = {}
  for i = 1, 20 do
    timeline[i] = { time = i / 4, started = 125, ok = 0, failed = 82 }
  end
  local run = result { started = 2500, ok = 860, failed = 1640, rate = 500,
    failures = { ["refused/connect"] = 1640 }, first_failure = { time = 0.05, count = 24 },
    timeline = timeline, spec = { hold = 60 } }
  for _, full in ipairs { true, false } do
    local watcher = memo(full, 1640)
    watcher.limited = not full
    equal(capacity.seen(run, watcher), nil)
    local answer = capacity.answer(run, watcher)
    equal(answer.limited_by, "none found")
    equal(capacity.conclusive(answer), false)
    contains(report.sentence(answer), "a share of new ones fails, steadily (mostly "
      .. "refused/connect), about 172/s get through: open more slowly (-r)")
  end
end)

test("those that broke while they were held count as held, not as survivors", function()
  local answer = capacity.answer(result { ok = 1600,
    failures = { ["timeout/connect"] = 300, ["reset/reply"] = 100 } }, memo(true, 300))
  equal(answer.connections, 1700)
  equal(answer.survived, 1600)
end)

test("what breaks while it is held is said, and no more than were open at a time count", function()
  local answer = capacity.answer(result { ok = 100, started = 240, failed = 140, open_max = 102,
    failures = { ["reset/reply"] = 140 }, first_failure = { time = 2.01, count = 100 } },
    memo(true, 140))
  equal(answer.connections, 102)
  contains(report.sentence(answer), "102 connections were open at once, then the target takes "
    .. "no more: it closes those that are held, the first after 2.01 s and 100 connections (140, "
    .. "mostly reset/reply)")
end)

test("own descriptors are named, and the answer is inconclusive", function()
  local answer = capacity.answer(result { verdict = "invalid",
    failures = { ["no-fd/socket"] = 300 },
    reasons = { { limit = "own descriptors", text = "300 found none" } } }, memo(true, 300))
  equal(answer.limited_by, "own descriptors")
  equal(capacity.conclusive(answer), false)
  contains(report.sentence(answer), "this machine's limit came (own descriptors)")
end)

local function late(changes)
  changes.verdict = "invalid"
  changes.reasons = changes.reasons
    or { { limit = "generator", what = "late starts", text = "late starts: x" } }
  return result(changes)
end

test("what fails while this machine is late is not held against the target", function()
  local answer = capacity.answer(late {}, memo(true, 300))
  equal(answer.connections, 1700)
  equal(answer.limited_by, "generator")
  equal(capacity.conclusive(answer), false)
  equal(report.sentence(answer), "1,700 connections were open at once, but this machine was late "
    .. "or busy, so the target's limit is not known: late starts: x. 1,700 of them survived.\n")
end)

test("what a late machine did not read in time was not forgotten by the target", function()
  local answer = capacity.answer(late { started = 25000, ok = 2000, failed = 23000,
    open_max = 25000, failures = { ["timeout/reply"] = 23000 } }, memo(false))
  equal(answer.connections, 25000)
  equal(answer.limited_by, "generator")
end)

test("a late run without a failure has a count, and is invalid all the same", function()
  local answer = capacity.answer(late { ok = 2000, failed = 0, failures = {} }, memo(false))
  equal(answer.connections, 2000)
  equal(capacity.conclusive(answer), false)
  contains(report.sentence(answer), "the target's limit is not known: late starts: x")
end)

test("to be late when thousands are closed at once spoils no count, only what was lost", function()
  local wake_ups = { { limit = "generator", what = "late wake-ups", text = "late wake-ups: x" } }
  local full = capacity.answer(late { reasons = wake_ups }, memo(true, 300), STATE)
  equal(full.limited_by, "target")
  equal(capacity.conclusive(full), true)
  contains(report.reason(full), "; this machine was late only when all were closed")
  local lost = capacity.answer(late { reasons = wake_ups, started = 25000, ok = 2000,
    failed = 23000, failures = { ["timeout/reply"] = 23000 }, open_max = 25000 }, memo(false))
  equal(lost.connections, 25000)
  equal(capacity.conclusive(lost), false)
end)

test("a late machine that is let in by nobody still asks whether anybody listens", function()
  local answer = capacity.answer(late { started = 300, ok = 0,
    failures = { ["refused/connect"] = 300 }, target = { address = "::1", port = 80 } },
    memo(true, 300))
  equal(answer.connections, nil)
  contains(report.sentence(answer), "does anything listen on ::1 port 80?")
end)

test("a run without failures names the count it reached", function()
  local answer = capacity.answer(result { ok = 2000, failed = 0, failures = {} }, memo(false))
  equal(answer.limited_by, "none found")
  contains(report.reason(answer), "no limit found up to 2,000 connections")
end)

test("where nothing was held there is no answer, and the sentence asks why", function()
  local answer = capacity.answer(result { started = 300, ok = 0,
    failures = { ["refused/connect"] = 300 }, first_failure = { time = 0, count = 0 },
    target = { address = "192.0.2.7", port = 80, port_to = 89 } }, memo(true, 300))
  equal(answer.connections, nil)
  equal(answer.limited_by, "none found")
  equal(capacity.conclusive(answer), false)
  equal(report.sentence(answer), "Not one connection was held: 100 % failed: "
    .. "refused/connect 300; does anything listen on 192.0.2.7 ports 80 to 89?\n")
end)

test("an interrupted run has a count, and claims no limit nor that there is none", function()
  local answer = capacity.answer(result { interrupted = true, ok = 1, failed = 0,
    failures = {} }, memo(false))
  equal(report.sentence(answer), "1 connection was open at once when the run was interrupted; "
    .. "no limit had shown. 1 of them survived.\n")
end)

test("what the target closed while it was held has not survived, and is said", function()
  local answer = capacity.answer(result { started = 25000, ok = 25000, failed = 0, failures = {},
    open_max = 5000 }, memo(false, 0, 20000))
  equal(answer.connections, 5000)
  equal(answer.survived, 5000)
  equal(answer.limited_by, "none found")
  equal(report.sentence(answer), "5,000 connections were open at once, and the target's limit "
    .. "was not reached: it closed 20,000 connections that were held, the first after 10.25 s: "
    .. "perhaps an idle time-out. 5,000 of them survived.\n")
end)

test("a target that forgets the oldest keeps what survives", function()
  local answer = capacity.answer(result { started = 25000, ok = 2000, failed = 23000,
    open_max = 25000, failures = { ["timeout/reply"] = 23000 },
    first_failure = { time = 50, count = 0 } }, memo(false))
  equal(answer.connections, 2000)
  equal(answer.limited_by, "target")
  equal(capacity.conclusive(answer), true)
  equal(report.sentence(answer), "2,000 connections were open at once, and the target keeps no "
    .. "more: new ones were accepted to the end, but 23,000 of those held had been lost (mostly "
    .. "timeout/reply): an idle time-out, or room made for new ones. 2,000 of them survived.\n")
end)

test("one in a thousand that is lost by the end is no limit", function()
  local answer = capacity.answer(result { started = 25000, ok = 24975, failed = 25,
    failures = { ["timeout/reply"] = 25 }, open_max = 25000 }, memo(false))
  equal(answer.limited_by, "none found")
  contains(report.reason(answer), "new ones were accepted to the end, though 25 connections failed")
end)

test("what fails only once all are closed does not say that the target closes them", function()
  local answer = capacity.answer(result { started = 21000, ok = 20000, failed = 1000,
    failures = { ["timeout/connect"] = 400, ["timeout/reply"] = 600 },
    first_failure = { time = 40, count = 20000 } }, memo(true, 300))
  contains(report.reason(answer), "the first failure came after 20,000 connections, at 40.00 s")
end)

return t.finish()
