--- State capacity: how many connections a target holds open at once.
-- Connections are opened at a safe rate and held; once most new ones fail, the
-- run is stopped gently, and what then ends well has survived. What ended well
-- before that the target closed; what does not end well then it has forgotten.

local failures = require "tspam.failures"
local format = require "tspam.format"
local json = require "tspam.json"
local generator_limit = require "tspam.generator_limit"

local capacity = {}

--- Fewer failures than this are no sign; where a rate is low they are counted over
-- so many seconds.
local FEW <const>, WINDOW <const> = 3, 10
--- The share of new connections that fail where a table is full.
local MOST <const> = 0.5
--- The share of those held that may be lost, in the end, without a meaning.
local STRAY <const> = 0.01

-- Of the latest intervals, as many as it takes to see a few failures: did most of
-- what was started meanwhile fail? What is too old is taken from the list.
local function mostly_fail(seen)
  local failed, started, now = 0, 0, seen[#seen].time
  while #seen > 1 and now - seen[2].time > WINDOW do
    table.remove(seen, 1)
  end
  for i = #seen, 1, -1 do
    failed, started = failed + seen[i].failed, started + seen[i].started
    if failed >= FEW then
      break
    end
  end
  return failed >= FEW and failed >= MOST * started
end

--- Watches a run: -> on_interval, memo. memo.full is set when it was stopped for
-- failures; closed (first at closed_time) and failed are how many ended while they
-- were held; limit is the time after which it is stopped anyway; show is told all.
function capacity.watch(limit, show)
  local memo, seen = { full = false, closed = 0, failed = 0 }, {}
  return function(figures)
    show(figures)
    seen[#seen + 1] = figures
    memo.closed, memo.failed = memo.closed + figures.ok, memo.failed + figures.failed
    memo.closed_time = memo.closed_time or figures.ok > 0 and figures.time or nil
    memo.full = mostly_fail(seen)
    return not memo.full and figures.time < limit
  end, memo
end

--- Connections that failed while they were held: at the least, for what failed
-- after the stop may have been established or not.
local function broken_while_held(result, memo)
  return failures.broken(result) - (result.failed - memo.failed)
end

local function full_reason(result, memo)
  local first, lost = result.first_failure, broken_while_held(result, memo)
  if lost > memo.failed / 2 then
    return ("it closes those that are held, the first after %.2f s and %s (%s, mostly %s): an "
      .. "idle time-out, or room made for new ones"):format(first.time,
      format.plural(first.count, "connection"), format.count(lost), failures.worst(result))
  end
  return ("the first failure came after %s, at %.2f s; mostly %s"):format(
    format.plural(first.count, "connection"), first.time, failures.worst(result))
end

local function reason(answer, result, memo)
  if result.interrupted then
    return "interrupted"
  elseif memo.full then
    return full_reason(result, memo)
  elseif answer.forgotten then
    return ("new ones were accepted to the end, but %s of those held had been lost (mostly %s): "
      .. "an idle time-out, or room made for new ones"):format(format.count(answer.forgotten),
      failures.worst(result))
  elseif memo.closed > 0 then
    return ("it closed %s that were held, the first after %.2f s: perhaps an idle time-out"):format(
      format.plural(memo.closed, "connection"), memo.closed_time)
  elseif result.failed > 0 then
    return ("new ones were accepted to the end, though %s failed (mostly %s)"):format(
      format.plural(result.failed, "connection"), failures.worst(result))
  end
  return ("no limit found up to %s"):format(format.plural(answer.connections, "connection"))
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

-- Nobody was let in: that is no capacity, whoever was late.
local function nothing(answer, result, limit, why)
  answer.connections, answer.limited_by = nil, limit or "none found"
  answer.reason = limit and limit ~= "generator" and why
    or failures.sentence(result, result.failed)
end

--- The answer that a run gives, and the memo of who watched it. So many were open at
-- once, however late they were opened. But failures are not known to be the target's
-- limit where this machine was late: what it catches up with comes as a burst, and
-- what it does not read in time looks like silence.
function capacity.answer(result, memo)
  -- Those that broke were not held all at once: no more than were open at a time.
  local held = math.min(result.ok + failures.broken(result), result.open_max or math.huge)
  local limit, why = generator_limit.of(result)
  local survived, lost = result.ok - memo.closed, forgotten(result, memo, held)
  local at_end = not lost and late_at_the_end(result)
  limit = not at_end and limit or nil
  lost = not limit and lost or nil
  local answer = { connections = lost and survived or held, first_failure = result.first_failure,
    survived = survived, interrupted = result.interrupted, forgotten = lost,
    limited_by = limit or (memo.full or lost) and "target" or "none found" }
  if result.failed > 0 and held == 0 then
    nothing(answer, result, limit, why)
  else
    answer.reason = limit and why or reason(answer, result, memo)
      .. (at_end and "; this machine was late only when all were closed" or "")
  end
  return answer
end

--- Is there an answer, and is it about the target, not about this machine?
function capacity.conclusive(answer)
  return answer.connections ~= nil
    and (answer.limited_by == "target" or answer.limited_by == "none found")
end

local function whose(answer)
  if answer.limited_by == "target" then
    return answer.forgotten and "and the target keeps no more" or "then the target takes no more"
  elseif answer.limited_by == "none found" then
    return "and the target's limit was not reached"
  elseif answer.limited_by == "generator" then
    return "but this machine was late or busy, so the target's limit is not known"
  end
  return ("then this machine's limit came (%s), not the target's"):format(answer.limited_by)
end

local function ending(answer)
  if answer.interrupted and answer.limited_by == "none found" then
    return " when the run was interrupted; no limit had shown"
  end
  return (", %s: %s"):format(whose(answer), answer.reason)
end

function capacity.sentence(answer)
  if not answer.connections then
    return format.sentence("Not one connection was held: " .. answer.reason) .. "\n"
  end
  local text = ("%s %s open at once%s. %s of them survived.\n"):format(
    format.plural(answer.connections, "connection"), answer.connections == 1 and "was" or "were",
    ending(answer), format.count(answer.survived))
  if answer.recovery then
    text = text .. ("New ones are accepted again %s after all were closed.\n"):format(
      format.time(answer.recovery))
  elseif answer.waited then
    text = text .. ("No new one was accepted for %s after all were closed.\n"):format(
      format.time(answer.waited))
  end
  return text
end

--- So many intervals of a slow load, in which most were answered, are recovery.
local STEADY <const> = 5

--- Opens new connections slowly until they are accepted: sets answer.recovery
-- (seconds, from now to the first interval of those), or answer.waited. try(most,
-- on_interval) runs such a load for so long at most -> result | nil, message. -> why
-- it could not be tried, or nil
function capacity.recover(answer, try, now, most)
  local begin, steady, first = now(), 0, nil
  local result, message = try(most, function(figures)
    steady = figures.ok > MOST * figures.started and steady + 1 or 0
    first = steady == 1 and now() - begin or first
    return steady < STEADY
  end)
  if steady >= STEADY then
    answer.recovery = first
  elseif result and not result.interrupted then
    answer.waited = now() - begin
  end
  return message
end

function capacity.fields(answer)
  return { "answer", json.object {
    { "connections", answer.connections }, { "first_failure", json.plain(answer.first_failure) },
    { "survived", answer.survived }, { "recovery", answer.recovery },
    { "waited", answer.waited },
    { "limited_by", answer.limited_by }, { "reason", answer.reason },
  } }
end

return capacity
