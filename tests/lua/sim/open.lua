--- At most so many open at once: { most=, refuse= ("drop") }.

local credit = require "sim.credit"
local spans = require "sim.spans"

local Open = {}
Open.__index = Open

--- All connections of a run have ended when the next one begins.
function Open:begin()
  self.ends:clear()
  self.spare = 0
end

-- In a slot that is longer than a connection a place is used more than once.
local function again(self, span, takes)
  if span <= takes then
    return 0
  end
  return self.most * (span - takes) / takes
end

function Open:pass(flow, run)
  local ends, span = self.ends, flow.n * flow.step
  ends:pass(flow.at)
  local free = self.most - ends.count
  local room = ends:come(flow.at + span - flow.step) + again(self, span, run:takes()) + self.spare
  local passed, first = credit(flow.n, math.max(0, free), room / math.max(1, flow.n - 1))
  self.spare = span > run:takes() and math.min(1, math.max(0, free + room - passed)) or 0
  run:thin(flow, passed, first, self.refuse)
end

--- What got through is open until then.
function Open:enter(n, ends_at, step)
  self.ends:add(ends_at, step, n)
end

return function(wanted)
  return setmetatable({ most = wanted.most, refuse = wanted.refuse or "drop", ends = spans(),
    spare = 0 }, Open)
end
