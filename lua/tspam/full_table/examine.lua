--- The experiment that decides whether a table was full, when one run cannot: wait until
-- the target accepts again and the old entries have aged, then count once more from empty,
-- at another rate. examine(device, seen) -> verdict; full_table.lua tells what these are.
-- A fill is one filling of the table: {began, rate, connections (until it was full), empty
-- (nothing was in it), stopped, accepted, again}.

local accepted = require "tspam.full_table.accepted"
local format = require "tspam.format"
local full = require "tspam.full_table.seen"
local gaps = require "tspam.full_table.gaps"
local verdict = require "tspam.full_table.verdict"

--- Counts in all, the first included; their rates differ by this factor.
local COUNTS <const>, OTHER <const> = 3, 1.5
--- A slower count is a safer one, where it takes no more than this part of an entry's life.
local SURELY <const> = 0.5
--- A count goes on past what is expected: for this part of it, and at the least for so many
-- seconds, and so many connections.
local BEYOND <const>, BEYOND_TIME <const>, BEYOND_COUNT <const> = 0.3, 2, 12
--- Nobody counts for longer, nor waits longer for entries to age; they go so much late.
local LONGEST <const>, SLACK <const> = 300, 1
--- Failures of so large a share, for other reasons, are none.
local STRAY <const> = 0.1
--- What does not last longer may have been an outage.
local LONG_OUTAGE <const> = 30
--- A lifetime that may be wrong by more is not told.
local DOUBT <const> = 0.03
--- What is no more than this part of a table may be left to the probes; no more than this
-- is thought to be.
local FEW_LEFT <const>, LEFT <const> = 0.03, 0.1

-- Is a fill's count the same as n? Some of the probes may be left in the table.
local function same(fill, n)
  local made, left = fill.connections, math.min(fill.left, LEFT * n)
  return verdict.same(made, n) or verdict.same(made + left, n) or made < n and n < made + left
end

-- Did something of the first fill take the room of a later one?
local function short(e, fill)
  local first = e.fills[1]
  return fill.connections and fill.connections < first.connections
    and not same(fill, first.connections)
end

-- Waits until it accepts again after a fill. What that tells of how long entries live, at
-- the most: e.life. Where it accepts at once that is nothing. The first fill may have begun
-- with an empty table; of a later one that is not known. -> nil | verdict
local function until_accepted(e, fill)
  local device, broken_off = e.device, nil
  fill.stopped = device.now()
  fill.accepted, broken_off = accepted(device, e.expected)
  if broken_off then
    return broken_off
  end
  local again = fill.accepted
  e.recovery = e.recovery or again.at - fill.stopped
  local oldest = fill == e.fills[1] and fill.empty and fill.began or device.began
  if again.late or fill ~= e.fills[1] and short(e, fill) then
    e.life = math.max(e.life or 0, again.at - oldest)
  elseif fill.again then -- all that was made, for it may have been an outage
    e.life = math.max(e.life or 0, fill.stopped - oldest)
  end
end

-- Waits until what was made before has aged: each was made by the end of the fill, and
-- lives no longer than the oldest did. What the probes left does not matter, unless it is
-- much, or that did not do, or the first fill found something of earlier ones. -> nil | verdict
local function age(e, fill)
  local device, seconds = e.device, e.life or 0
  e.aged = e.life and (#e.fills > 1 or not fill.empty or fill.again ~= nil
    or fill.accepted.made > FEW_LEFT * e.expected)
  if e.life and not e.aged then
    local aged = fill.accepted.at + fill.stopped - fill.began + SLACK
    seconds = math.min(seconds, aged - device.now())
  end
  seconds = math.min(LONGEST, seconds)
  if seconds > 0 and device.wait(seconds, "the target's entries to age") == false then
    return { kind = "interrupted" }
  end
end

-- Of the second count, and the third. Entries that live shorter than a slow count takes
-- would be gone before its end.
local function other_rate(e)
  local first = e.fills[1]
  local slower, faster = first.rate / OTHER, first.rate * OTHER
  if #e.fills > 1 then
    return e.fills[2].rate < first.rate and faster or faster * OTHER
  end
  local lives = first.again or first.accepted.late and first.accepted.at - first.began or 0
  return e.expected / slower <= SURELY * lives and slower or faster
end

local function length_of(e, rate)
  local needs = e.expected / rate
  return needs + math.max(BEYOND * needs, BEYOND_TIME, BEYOND_COUNT / rate)
end

-- Counts -> fill | nil, verdict. doubt: so much older than the fill may its oldest entry be;
-- left: so many of the probes may be in it.
local function count(e, rate, probes)
  local device, length = e.device, length_of(e, rate)
  device.say("counting once more, at %s for %s", format.rate(rate), format.time(length))
  local fill = { began = device.now(), rate = rate, empty = e.life ~= nil, left = probes.made }
  fill.doubt = e.aged and 0 or fill.began - probes.at
  local result, broken_off = accepted.run(device.fill or device.run, { rate = rate,
    length = length, interval = math.max(0.01, length / 20), label = "counting again" })
  if not result then
    return nil, broken_off
  end
  local seen = full(result)
  fill.connections, fill.again = seen and seen.connections, seen and seen.again
  fill.well = result.failed <= STRAY * result.started and not gaps.of(result)[1]
  return fill
end

-- The last count came before -> entries, or nil. Where the first counted more, something
-- that is left may have taken the room of the later ones.
local function twice(e)
  local first, last = e.fills[1], e.fills[#e.fills]
  local n = last.connections
  if not n or short(e, last) then
    return nil
  end
  for _, before in ipairs { first.in_all, first.connections, e.fills[#e.fills - 1].connections } do
    if same(last, before) then
      return math.max(n, before)
    end
  end
end

-- From the first connection of a fill until new ones were accepted again, nil: not seen.
local function lifetime(fill)
  if not fill.empty or fill.again then
    return fill.empty and fill.again or nil
  end
  local again = fill.accepted
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
  if not life and last.empty and not last.accepted then
    until_accepted(e, last)
  end
  local claim = verdict.state(entries, life or lifetime(last))
  claim.outage = cut and outage(first) or nil
  return claim
end

-- Had the first been an outage, the entries of that fill might have taken half the room of
-- the second. Then the table stays full for longer than the outage lasted (where it accepted
-- at once: than not at all), or not as long. -> does it?, verdict
local function doubtful(e, last)
  local bound, life = e.life or 0, lifetime(e.fills[1]) or 0
  if #e.fills > 2 or bound > LONG_OUTAGE then
    return false
  end
  local broken_off = until_accepted(e, last)
  if broken_off then
    return true, broken_off
  end
  local took, slack = last.accepted.at - last.began, math.max(SLACK, bound / 10)
  return last.accepted.late and took > bound + slack or took + last.doubt < life - slack
end

local function decide(e)
  local last, entries = e.fills[#e.fills], twice(e)
  if not entries then
    return last.well and outage(e.fills[1]) or nil
  end
  local doubt, broken_off = doubtful(e, last)
  if doubt then
    return broken_off
  end
  return state(e, entries)
end

-- One more count -> verdict, or nil: it did not decide
local function once_more(e)
  local before = e.fills[#e.fills]
  local broken_off, fill = not before.accepted and until_accepted(e, before) or age(e, before), nil
  if not broken_off then
    fill, broken_off = count(e, other_rate(e), before.accepted)
  end
  if broken_off then
    return broken_off
  end
  e.fills[#e.fills + 1] = fill
  e.expected = math.max(e.expected, fill.connections or 0)
  return decide(e)
end

local function first_fill(device, seen)
  local in_all = seen.in_all or seen.connections
  return { connections = seen.connections, in_all = in_all, rate = seen.rate,
    began = seen.began or device.began, time = seen.time, again = seen.again,
    empty = verdict.same(in_all, seen.connections) }
end

return function(device, seen)
  local first, counts = first_fill(device, seen), {}
  local e = { device = device, fills = { first }, expected = first.in_all }
  local length = length_of(e, first.rate * OTHER)
  if length > LONGEST then
    return { kind = "unclear", reason = ("to count up to %s once more takes %.0f s"):format(
      format.count(e.expected), length) }
  end
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
