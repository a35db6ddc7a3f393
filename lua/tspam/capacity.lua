--- How many connections a target holds open at once. Pure.
-- Connections are opened at a safe rate and held; once (nearly) all new ones fail, the
-- run is stopped gently, and what then ends well has survived. What ended well before
-- that the target closed; what does not end well then it has forgotten. That new ones
-- fail is the target's limit where the same count came a second time (full_table).

local failures = require "tspam.failures"
local full_table = require "tspam.full_table"
local generator_limit = require "tspam.generator_limit"
local passing = require "tspam.full_table.passing"

local capacity = {}

--- Fewer failures than this are no sign; where a rate is low they are counted over
-- so many seconds.
local FEW <const>, WINDOW <const> = 3, 10
--- The share of new connections that fail where a table is full, for so many seconds.
local NEARLY_ALL <const>, DEAD <const> = 0.95, 1
--- A limit of the rate: in each of so many seconds at least this share fails, and so many.
local SHARE <const>, SECONDS <const>, STEADY_FEW <const> = 0.25, 3, 7
--- The share of those held that may be lost, in the end, without a meaning.
local STRAY <const> = 0.01

-- The latest intervals, back to a time. -> failed, started, seconds
local function since(seen, enough)
  local failed, started = 0, 0
  for i = #seen, 1, -1 do
    failed, started = failed + seen[i].failed, started + seen[i].started
    local seconds = seen[#seen].time - (i > 1 and seen[i - 1].time or 0)
    if enough(failed, seconds) then
      return failed, started, seconds
    end
  end
  return failed, started, 0
end

-- Of the latest intervals, as many as it takes to see a few failures: did nearly all of
-- what was started meanwhile fail?
local function nearly_all_fail(seen)
  local failed, started, seconds = since(seen, function(n, span)
    return n >= FEW and span >= DEAD
  end)
  return seconds > 0 and failed >= NEARLY_ALL * started
end

-- A large share fails, second for second: more of the same brings no end.
local function share_fails(seen)
  local to = {}
  for second = 1, SECONDS do
    local failed, started, seconds = since(seen, function(_, span) return span >= second end)
    to[second] = { failed = failed, started = started }
    local before = to[second - 1] or { failed = 0, started = 0 }
    local n = failed - before.failed
    if seconds == 0 or n < STEADY_FEW or n < SHARE * (started - before.started) then
      return false
    end
  end
  return true
end

--- Watches a run: -> on_interval, memo. memo.full is set when it was stopped because new
-- ones fail, memo.limited because a share of them does, steadily; closed (first at
-- closed_time) and failed are how many ended while they were held; limit is the time after
-- which it is stopped anyway; show is told all.
function capacity.watch(limit, show)
  local memo, seen = { full = false, limited = false, closed = 0, failed = 0 }, {}
  return function(figures)
    show(figures)
    seen[#seen + 1] = figures
    memo.closed, memo.failed = memo.closed + figures.ok, memo.failed + figures.failed
    memo.closed_time = memo.closed_time or figures.ok > 0 and figures.time or nil
    while #seen > 1 and figures.time - seen[2].time > WINDOW do
      table.remove(seen, 1)
    end
    memo.full = nearly_all_fail(seen)
    memo.limited = not memo.full and share_fails(seen)
    return not memo.full and not memo.limited and figures.time < limit
  end, memo
end

--- Does the target close those it holds? At the least so many, for what failed after the
-- stop may have been established or not. -> how many, or nil
function capacity.closes_held(result, memo)
  local lost = failures.broken(result) - (result.failed - memo.failed)
  return memo.full and lost > memo.failed / 2 and lost or nil
end

-- Where new ones are let in to the end, and those held are gone: what is left is
-- what the target keeps.
local function forgotten(result, memo, held)
  local lost = failures.broken(result)
  if not memo.full and not result.interrupted and lost >= FEW and lost > STRAY * held then
    return lost
  end
end

-- Late wake-ups and no late starts: nothing was due any more. To close thousands at once
-- keeps a machine busy, and has no part in what was held, or failed before.
local function late_at_the_end(result)
  return #result.reasons == 1 and result.reasons[1].what == "late wake-ups"
end

-- -> name of this machine's limit, sentence; true: it came only when all were closed
local function own_limit(result, lost)
  local limit, why = generator_limit.of(result)
  if limit and not lost and late_at_the_end(result) then
    return nil, nil, true
  end
  return limit, why
end

--- A sign of a full table, to be counted a second time; nil: none.
function capacity.seen(result, memo)
  if memo.full and not result.interrupted and not capacity.closes_held(result, memo)
    and not own_limit(result) then
    return full_table.seen(result)
  end
end

-- So many new ones got through a second, after the first failure.
local function rate_after(result)
  local passed, started = 0, 0
  for _, slice in ipairs((passing.of(result))) do
    if slice.from >= result.first_failure.time then
      passed, started = passed + slice.passed, started + slice.started
    end
  end
  return started > 0 and result.rate and passed / started * result.rate or nil
end

-- A share of them got through after the first failure: no end, but a limit of the rate.
local function lets_some_through(result, memo, seen)
  local first = result.first_failure.count
  return memo.limited
    or not seen and result.ok + failures.broken(result) - first > FEW + STRAY * first
end

-- New ones failed, and it is not this machine's fault: whose is it?
local function explain(answer, result, memo, verdict)
  answer.closes = capacity.closes_held(result, memo)
  if answer.closes then
    answer.limited_by = "target"
    return
  end
  local seen = full_table.seen(result)
  if lets_some_through(result, memo, seen) then
    answer.limited, answer.rate_limit = true, rate_after(result)
    return
  end
  -- Strays may have failed before the end.
  answer.counted, answer.full = 1, seen or answer.first_failure
  if verdict and verdict.kind == "state" then
    answer.limited_by, answer.counted, answer.lifetime = "target", 2, verdict.lifetime
    answer.connections = math.max(answer.connections, verdict.entries)
    answer.survived = not verdict.outage and answer.survived or nil
  end
end

local function timed(outage, began)
  return outage and { from = outage.from - began, to = outage.to - began,
    at_latest = outage.at_latest }
end

-- What the second count showed, or that there was none.
local function add_verdict(answer, verdict, began)
  answer.verdict = verdict.kind
  answer.outage = timed(verdict.kind == "outage" and verdict or verdict.outage, began or 0)
  answer.recovery, answer.waited = verdict.recovery, verdict.waited
  answer.unclear = verdict.reason
end

--- The answer that a run gives, and the memo of who watched it. So many were open at
-- once, however late they were opened. But failures are not known to be the target's
-- limit where this machine was late: what it catches up with comes as a burst, and
-- what it does not read in time looks like silence. verdict: of full_table.examine, nil:
-- there was none; began: when the run began, in the time of that.
-- answer.counted: 2: the count of a full table came twice, 1: it came once, and whether it
-- is one is not known.
function capacity.answer(result, memo, verdict, began)
  -- Those that broke were not held all at once: no more than were open at a time.
  local held = math.min(result.ok + failures.broken(result), result.open_max or math.huge)
  local survived, lost = result.ok - memo.closed, forgotten(result, memo, held)
  local limit, why, at_end = own_limit(result, lost)
  lost = not limit and lost or nil
  local answer = { connections = lost and survived or held, first_failure = result.first_failure,
    survived = survived, interrupted = result.interrupted, forgotten = lost,
    limited_by = limit or lost and "target" or "none found", why = why, at_end = at_end,
    failed = result.failed, worst = failures.worst(result), closed = memo.closed,
    closed_time = memo.closed_time }
  if result.failed > 0 and held == 0 then
    answer.connections, answer.why = nil, limit and limit ~= "generator" and why
      or failures.sentence(result, result.failed)
  elseif (memo.full or memo.limited) and not limit and not result.interrupted then
    explain(answer, result, memo, verdict)
  end
  if verdict then
    add_verdict(answer, verdict, began)
  end
  return answer
end

--- Is there an answer, and is it about the target, not about this machine?
function capacity.conclusive(answer)
  return answer.connections ~= nil and (answer.limited_by == "target"
    or answer.limited_by == "none found" and not answer.limited and not answer.counted)
end

--- Then waits until new ones are accepted again: sets answer.recovery, or answer.waited.
-- -> why it could not be tried, or nil
function capacity.recover(answer, device)
  local recovery, verdict = full_table.recovery(device)
  answer.recovery, answer.waited = recovery, verdict and verdict.waited
  return verdict and verdict.message
end

return capacity
