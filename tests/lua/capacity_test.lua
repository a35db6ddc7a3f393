-- What a held run says of a target's state, over results of known figures.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local capacity = require "tspam.capacity"
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

-- The memo of a run that was stopped with so many failures seen.
local function memo(full, failed, closed)
  return { full = full, failed = failed or 0, closed = closed or 0,
    closed_time = closed and 10.25 or nil }
end

local function watched(list, limit)
  local on_interval, seen = capacity.watch(limit or 10, function() end)
  for i, figures in ipairs(list) do
    if not on_interval(figures) then
      return i, seen.full, seen
    end
  end
end

local function slice(time, started, failed)
  return { time = time, started = started, failed = failed, ok = 0 }
end

test("the run stops when most new connections fail, not at a stray failure", function()
  local stopped, full = watched { slice(1, 100, 0), slice(2, 100, 2), slice(3, 100, 10),
    slice(4, 100, 60), slice(5, 100, 100) }
  equal(stopped, 4)
  equal(full, true)
end)

test("two failures are too few to stop for, whatever their share", function()
  equal(watched { slice(1, 2, 2) }, nil)
end)

test("where the rate is low failures are counted over several intervals", function()
  local list = {}
  for i = 1, 40 do
    list[i] = slice(i / 4, i % 2, i > 20 and i % 2 or 0)
  end
  local stopped, full = watched(list, 60)
  equal(stopped, 25) -- the third failure, of three started since the first
  equal(full, true)
  for i = 1, 40 do
    list[i] = slice(i / 4, 1, i % 13 == 0 and 1 or 0)
  end
  equal(watched(list, 60), nil)
end)

test("the run stops at its time, and that is no full table", function()
  local stopped, full = watched({ slice(1, 100, 0), slice(2, 100, 0), slice(3, 100, 0) }, 2)
  equal(stopped, 2)
  equal(full, false)
end)

test("a full table is the target's, with the count to the first failure", function()
  local answer = capacity.answer(result {}, memo(true, 300))
  equal(answer.connections, 1700)
  equal(answer.survived, 1700)
  equal(answer.first_failure.count, 1700)
  equal(answer.limited_by, "target")
  contains(capacity.sentence(answer), "1,700 connections were open at once, then the target takes")
  equal(capacity.conclusive(answer), true)
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
  contains(capacity.sentence(answer), "102 connections were open at once, then the target takes "
    .. "no more: it closes those that are held, the first after 2.01 s and 100 connections (140, "
    .. "mostly reset/reply)")
end)

test("own descriptors are named, and the answer is inconclusive", function()
  local answer = capacity.answer(result { verdict = "invalid",
    failures = { ["no-fd/socket"] = 300 },
    reasons = { { limit = "own descriptors", text = "300 found none" } } }, memo(true, 300))
  equal(answer.limited_by, "own descriptors")
  equal(capacity.conclusive(answer), false)
  contains(capacity.sentence(answer), "this machine's limit came (own descriptors)")
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
  equal(capacity.sentence(answer), "1,700 connections were open at once, but this machine was late "
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
  contains(capacity.sentence(answer), "the target's limit is not known: late starts: x")
end)

test("to be late when thousands are closed at once spoils no count, only what was lost", function()
  local wake_ups = { { limit = "generator", what = "late wake-ups", text = "late wake-ups: x" } }
  local full = capacity.answer(late { reasons = wake_ups }, memo(true, 300))
  equal(full.limited_by, "target")
  equal(capacity.conclusive(full), true)
  contains(full.reason, "; this machine was late only when all were closed")
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
  contains(capacity.sentence(answer), "does anything listen on ::1 port 80?")
end)

test("a run without failures names the count it reached", function()
  local answer = capacity.answer(result { ok = 2000, failed = 0, failures = {} }, memo(false))
  equal(answer.limited_by, "none found")
  contains(answer.reason, "no limit found up to 2,000 connections")
end)

test("where nothing was held there is no answer, and the sentence asks why", function()
  local answer = capacity.answer(result { started = 300, ok = 0,
    failures = { ["refused/connect"] = 300 }, first_failure = { time = 0, count = 0 },
    target = { address = "192.0.2.7", port = 80, port_to = 89 } }, memo(true, 300))
  equal(answer.connections, nil)
  equal(answer.limited_by, "none found")
  equal(capacity.conclusive(answer), false)
  equal(capacity.sentence(answer), "Not one connection was held: 100 % failed: "
    .. "refused/connect 300; does anything listen on 192.0.2.7 ports 80 to 89?\n")
end)

test("an interrupted run has a count, and claims no limit nor that there is none", function()
  local answer = capacity.answer(result { interrupted = true, ok = 1, failed = 0,
    failures = {} }, memo(false))
  equal(capacity.sentence(answer), "1 connection was open at once when the run was interrupted; "
    .. "no limit had shown. 1 of them survived.\n")
end)

test("who watches counts what the target closes, and when it began to", function()
  local list = { slice(1, 100, 0), slice(2, 100, 0), slice(3, 100, 1) }
  list[2].ok, list[3].ok = 7, 80
  local _, _, seen = watched(list, 3)
  equal(seen.closed, 87)
  equal(seen.closed_time, 2)
  equal(seen.failed, 1)
end)

test("what the target closed while it was held has not survived, and is said", function()
  local answer = capacity.answer(result { started = 25000, ok = 25000, failed = 0, failures = {},
    open_max = 5000 }, memo(false, 0, 20000))
  equal(answer.connections, 5000)
  equal(answer.survived, 5000)
  equal(answer.limited_by, "none found")
  equal(capacity.sentence(answer), "5,000 connections were open at once, and the target's limit "
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
  equal(capacity.sentence(answer), "2,000 connections were open at once, and the target keeps no "
    .. "more: new ones were accepted to the end, but 23,000 of those held had been lost (mostly "
    .. "timeout/reply): an idle time-out, or room made for new ones. 2,000 of them survived.\n")
end)

test("one in a thousand that is lost by the end is no limit", function()
  local answer = capacity.answer(result { started = 25000, ok = 24975, failed = 25,
    failures = { ["timeout/reply"] = 25 }, open_max = 25000 }, memo(false))
  equal(answer.limited_by, "none found")
  contains(answer.reason, "new ones were accepted to the end, though 25 connections failed")
end)

test("what fails only once all are closed does not say that the target closes them", function()
  local answer = capacity.answer(result { started = 21000, ok = 20000, failed = 1000,
    failures = { ["timeout/connect"] = 400, ["timeout/reply"] = 600 },
    first_failure = { time = 40, count = 20000 } }, memo(true, 300))
  contains(answer.reason, "the first failure came after 20,000 connections, at 40.00 s")
end)

return t.finish()
