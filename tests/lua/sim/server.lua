--- One at a time, each for so many seconds, behind a queue of so many seconds; what finds
-- no room is dropped: { seconds=, queue= (infinite), refuse= ("drop") }. With `seconds_of`,
-- a function (run) -> seconds, instead of seconds, and `repeats`, it is a link: drops show
-- as retransmissions, too.

local credit = require "sim.credit"

local Server = {}
Server.__index = Server

-- Drops hit data as well as first packets: as many of those that pass were sent again.
local function repeat_some(flow, passed, first)
  if first and passed < flow.n then
    flow.slow = math.max(flow.slow, math.min(passed, flow.n - passed))
  end
end

function Server:pass(flow, run)
  local seconds = self.seconds or self.seconds_of(run)
  local wait = math.max(0, self.wait - (flow.at - self.at))
  local n, most = flow.n, self.queue / seconds + 1
  local passed, first, left = credit(n, most - wait / seconds, flow.step / seconds, most)
  local span = (n - 1) * flow.step
  local behind = math.max(0, wait + (passed - 1) * seconds - span) -- what the last one finds
  self.at, self.wait = flow.at + span, passed > 0 and behind + seconds
    or math.max(0, wait - span)
  if most < 2 then -- there is no queue to speak of, but idle moments
    self.wait = (most - left) * seconds
  end
  if self.repeats then
    repeat_some(flow, passed, first)
  end
  run:thin(flow, passed, first, self.refuse)
  flow.wait = flow.wait + wait + seconds
  flow.wait_step = flow.wait_step + (passed > 1 and (behind - wait) / (passed - 1) or 0)
end

return function(wanted)
  return setmetatable({ seconds = wanted.seconds, seconds_of = wanted.seconds_of,
    queue = wanted.queue or math.huge, refuse = wanted.refuse or "drop",
    repeats = wanted.repeats, wait = 0, at = 0 }, Server)
end
