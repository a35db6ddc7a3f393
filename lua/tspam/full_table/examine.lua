--- The experiment that decides whether a table was full, when one run cannot: wait until
-- the target accepts again and the old entries have aged, then count once more from empty,
-- at another rate. examine(device, seen) -> verdict; full_table.lua tells what these are.

local format = require "tspam.format"
local full = require "tspam.full_table.seen"
local verdict = require "tspam.full_table.verdict"

--- So many intervals of the low rate, in which most were answered, are acceptance; one in
-- which they were not takes back another.
local STEADY <const>, MOST <const> = 5, 0.5
--- The seconds of such an interval, and how many connections it has at the least.
local INTERVAL <const>, STARTED <const> = 0.1, 2
--- It did not accept at once where the first of those comes after so many.
local LATE <const> = 2.5
--- Counts in all, the first included; their rates differ by this factor.
local COUNTS <const>, OTHER <const> = 3, 1.5
--- A slower count is a safer one, where it takes no more than this part of an entry's life.
local SURELY <const> = 0.5
--- A count goes on past what is expected: for this part of it, and at the least for so many
-- seconds, and so many connections.
local BEYOND <const>, BEYOND_TIME <const>, BEYOND_COUNT <const> = 0.3, 0.5, 12
--- Nobody counts for longer, nor waits longer for entries to age; they go so much late.
local LONGEST <const>, SLACK <const> = 300, 1
--- Failures of so large a share, for other reasons, are none.
local STRAY <const> = 0.1
--- A lifetime that may be wrong by more is not told.
local DOUBT <const> = 0.03

-- Runs a load of the device -> result | nil, verdict
local function run(work, load)
  local result, message = work(load)
  if not result then
    return nil, { kind = "error", message = message }
  elseif result.interrupted then
    return nil, { kind = "interrupted" }
  end
  return result
end

-- Opens connections slowly until they are accepted -> {at, interval, late, made} | nil, verdict.
-- at: the end of the first interval of those; late: none was accepted before; made: how
-- many were.
local function accepted(device)
  local begin, steady, first = device.now(), 0, nil
  local interval = math.max(INTERVAL, STARTED / device.low)
  local result, broken_off = run(device.run, {
    rate = device.low, length = math.max(device.patience, 2 * STEADY * interval),
    interval = interval, label = "waiting", on_interval = function(figures)
      local step = figures.ok > MOST * figures.started and 1 or -1
      steady = math.max(0, steady + step)
      first = steady > 0 and (first or begin + figures.time) or nil
      if device.waiting then
        device.waiting("the target to accept again", figures.time, device.patience)
      end
      return steady < STEADY
    end })
  if not result then
    return nil, broken_off
  elseif steady < STEADY then
    return nil, { kind = "silent", waited = device.now() - begin }
  end
  return { at = first, interval = interval, late = first - begin > LATE * interval,
    made = result.ok }
end

-- Waits until what was made has aged -> nil | verdict
local function age(device, seconds)
  seconds = math.min(LONGEST, seconds)
  if seconds > 0 and device.wait(seconds, "the target's entries to age") == false then
    return { kind = "interrupted" }
  end
end

-- After a fill: until the target accepts again, and what was made before has aged: each was
-- made by stopped, and lives no longer than the oldest did. What the probes left does not
-- matter, unless that did not do, or the first fill had found something of earlier ones.
-- Where it accepts at once nothing is known of lives. -> nil | verdict
local function empty(e, fill)
  local device, stopped = e.device, e.device.now()
  local again, broken_off = accepted(device)
  if not again then
    return broken_off
  end
  fill.accepted = again
  e.recovery = e.recovery or again.at - stopped
  local oldest = fill.empty and fill.began - (fill.doubt or 0) or device.began
  local life = fill.empty and fill.again or again.late and again.at - oldest or nil
  e.life, e.aged = math.max(e.life or 0, life or 0), false
  if not life then
    return nil
  elseif #e.fills > 1 or not fill.empty then
    e.aged = true
    return age(device, e.life)
  end
  local aged = fill.again and stopped + life or again.at + stopped - oldest + SLACK
  return age(device, math.min(life, aged - device.now()))
end

-- Of the second count, and the third.
local function other_rate(e)
  local slower, faster = e.fills[1].rate / OTHER, e.fills[1].rate * OTHER
  if #e.fills > 1 then
    return e.fills[2].rate < e.fills[1].rate and faster or faster * OTHER
  end
  return e.expected / slower <= SURELY * (e.life or 0) and slower or faster
end

-- Counts from empty, but for what the probes left -> nil, verdict, or fill {began, rate,
-- connections, well, left, doubt}; doubt: so much older than the fill may its oldest entry be.
local function count(e, rate, probes)
  local device, needs = e.device, e.expected / rate
  local length = needs + math.max(BEYOND * needs, BEYOND_TIME, BEYOND_COUNT / rate)
  if length > LONGEST then
    return nil, { kind = "unclear", reason = ("to count up to %s once more takes %.0f s"):format(
      format.count(e.expected), length) }
  end
  device.say("counting once more, at %s for %s", format.rate(rate), format.time(length))
  local fill = { began = device.now(), rate = rate, empty = true, left = probes.made }
  fill.doubt = e.aged and 0 or fill.began - probes.at
  local result, broken_off = run(device.fill or device.run, { rate = rate, length = length,
    interval = math.max(0.01, length / 20), label = "counting again" })
  if not result then
    return nil, broken_off
  end
  local seen = full(result)
  fill.connections = seen and seen.connections
  fill.well = not seen and result.failed <= STRAY * result.started
  return fill
end

-- The last count came before -> entries, or nil. A few may be left of the probes. Where the
-- first counted more, something that is left may have taken the room of the later ones.
local function twice(e)
  local first, last = e.fills[1], e.fills[#e.fills]
  local n = last.connections
  if not n or n < first.connections and not verdict.same(n + last.left, first.connections) then
    return nil
  end
  for _, before in ipairs { first.in_all, first.connections, e.fills[#e.fills - 1].connections } do
    if verdict.same(n, before) or verdict.same(n + last.left, before) then
      return math.max(n, before)
    end
  end
end

-- From the first connection of a fill until new ones were accepted again, nil: not seen.
local function lifetime(fill)
  if fill.empty and fill.again then
    return fill.again
  end
  local again = fill.empty and fill.accepted
  local life = again and again.late and again.at - again.interval / 2 - fill.began or nil
  return life and (fill.doubt or 0) <= DOUBT * life and life or nil
end

local function outage(first)
  return { kind = "outage", from = first.began + first.time,
    to = first.again and first.began + first.again or first.accepted.at,
    at_latest = not first.again and not first.accepted.late or nil }
end

-- The lifetime may take another look.
local function state(e, entries)
  local first, last = e.fills[1], e.fills[#e.fills]
  local cut = first.empty and not verdict.same(entries, first.connections)
  local life = not cut and lifetime(first) or #e.fills > 2 and lifetime(e.fills[2])
  if not life then
    last.accepted = accepted(e.device)
    life = lifetime(last)
  end
  local claim = verdict.state(entries, life)
  claim.outage = cut and outage(first) or nil
  return claim
end

local function first_fill(device, seen)
  local in_all = seen.in_all or seen.connections
  return { connections = seen.connections, in_all = in_all, rate = seen.rate,
    began = seen.began or device.began, time = seen.time, again = seen.again,
    empty = verdict.same(in_all, seen.connections) }
end

-- One more count -> verdict, or nil: it did not decide
local function once_more(e)
  local before = e.fills[#e.fills]
  local broken_off, fill = empty(e, before), nil
  if not broken_off then
    fill, broken_off = count(e, other_rate(e), before.accepted)
  end
  if broken_off then
    return broken_off
  end
  e.fills[#e.fills + 1] = fill
  e.expected = math.max(e.expected, fill.connections or 0)
  local entries = twice(e)
  if entries then
    return state(e, entries)
  end
  return fill.well and outage(e.fills[1]) or nil
end

local function examine(device, seen)
  local first, counts = first_fill(device, seen), {}
  local e = { device = device, fills = { first }, expected = first.in_all }
  for _ = 2, COUNTS do
    local decided = once_more(e)
    if decided then
      decided.recovery = e.recovery
      return decided
    end
  end
  for i, fill in ipairs(e.fills) do
    counts[i] = fill.connections or 0
  end
  return { kind = "unclear", reason = "the counts differ", counts = counts, recovery = e.recovery }
end

return { examine = examine, accepted = accepted }
