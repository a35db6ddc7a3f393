--- The one detector of full tables, for saturate, capacity and soak. Pure.
-- A table that is full takes the same count each time it is filled from empty, at any
-- rate, and then (nearly) nothing gets through, whichever way it refuses. An outage looks
-- the same once. So one count is a sign (seen), and a claim takes the same count a second
-- time: in the run itself (within), or by an experiment (examine).
--
-- full_table.seen(result) -> nil | {connections, time, again, after, well, leaked, rate}
-- full_table.examine(device, seen) -> verdict
--   device (in its own time, seconds of now):
--     run(load)      runs a load: rate, length, interval, on_interval, label of tspam.run
--                    -> result | nil, message
--     fill(load)     the same, for a count from empty (nil: run)
--     wait(s, what)  waits, for what -> false when interrupted
--     now(), low (a rate that is safe), patience (seconds to wait for a target that
--     accepts none), began (when its first connection of all was made)
--     say(format, …) tells a person; waiting(what, waited, most): shown while it waits
--   seen: as above; began: when that run began (device.began); in_all: how many got through
--     since device.began, that run's included (seen.connections)
--   verdict.kind
--     "state"        the same count came twice: entries, lifetime (nil: not seen), sustained
--                    (entries / lifetime); outage {from, to}: what the first was
--     "outage"       from, to: all was as before after it; at_latest: it ended before to,
--                    while nobody looked
--     "silent"       it accepted no more for waited seconds: full or dead
--     "unclear"      reason: the counts differ, or a second takes too long; counts
--     "interrupted", "error" (message)
--   verdict.recovery: from the end of the run until new ones were accepted (nil: never)

local accepted = require "tspam.full_table.accepted"
local gaps = require "tspam.full_table.gaps"
local verdict = require "tspam.full_table.verdict"

--- Entries go so much late, in seconds, or as a share of their life.
local LATE <const>, LATE_SHARE <const> = 1, 0.05
--- After an outage far more get through than before it. So many times as many are no table
-- that gave entries back late.
local MORE <const> = 1.5

local full_table = {
  seen = require "tspam.full_table.seen",
  examine = require "tspam.full_table.examine",
  same = verdict.same,
}

--- Only waits: opens connections slowly until they are accepted. -> seconds from now to the
-- first interval of those | nil, verdict
function full_table.recovery(device)
  local begin = device.now()
  local again, broken_off = accepted(device)
  return again and again.at - begin, broken_off
end

--- The times at which nothing got through, for whatever reason: list of {from, to}; to is
-- nil where that lasted to the end.
function full_table.gaps(result)
  local list = {}
  for i, gap in ipairs((gaps.of(result))) do
    list[i] = { from = gap.from, to = gap.to }
  end
  return list
end

--- What one long run decides by itself: the same count got through again, and then nothing,
-- and each filling aged in the same time: a table; far more than that got through: an outage.
-- -> verdict, in seconds of the run, or nil: an experiment has to tell. The run began with an
-- empty table.
function full_table.within(result)
  local seen = full_table.seen(result)
  if not seen or not seen.again then
    return nil
  end
  local second, life = gaps.of(result)[2], seen.again
  if second and second.to and verdict.same(seen.connections, second.before) then
    local later = second.to - seen.again
    if math.abs(later - life) <= math.max(LATE, LATE_SHARE * life) then
      return verdict.state(seen.connections, math.min(life, later))
    end
  elseif seen.well and seen.after > MORE * seen.connections then
    return { kind = "outage", from = seen.time, to = seen.again }
  end
end

return full_table
