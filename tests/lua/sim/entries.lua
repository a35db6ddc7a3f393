--- A table: { size=, ttl=, refuse= ("drop"), evict= }. An entry is kept for ttl seconds
-- from its creation, also when its connection has ended. A full table refuses; with
-- `evict` it forgets the oldest instead, and a connection without its entry is mute.

local credit = require "sim.credit"
local spans = require "sim.spans"

local Entries = {}
Entries.__index = Entries

local function forget(self, n)
  self.expiries:take(n)
  self.gone = self.gone + n
end

-- Entries are numbered in the order of their creation: those up to `gone` are no more.
local function create(self, flow, n, first)
  flow.entry, flow.entries = self.created + 1, n
  self.created = self.created + n
  local step = first == n and flow.step or flow.step * flow.n / math.max(1, n)
  self.expiries:add(flow.at + self.ttl, step, n)
end

function Entries:pass(flow, run)
  local expiries = self.expiries
  self.gone = self.gone + expiries:pass(flow.at)
  if self.evict then
    create(self, flow, flow.n, flow.n)
    forget(self, math.max(0, expiries.count - self.size))
    return
  end
  local last = flow.at + (flow.n - 1) * flow.step
  local expire = expiries:come(last)
  local free, gain = self.size - expiries.count, expire / math.max(1, flow.n - 1)
  local passed, first = credit(flow.n, free, gain)
  if passed > 0 then
    create(self, flow, passed, first or passed)
  end
  run:thin(flow, passed, first, self.refuse)
end

--- Are the entries up to this number gone at a time? Only a table that evicts needs them.
function Entries:lost(time)
  if not self.evict then
    return 0
  end
  self.gone = self.gone + self.expiries:pass(time)
  return self.gone
end

--- When entries begin to expire: a slot ends there.
function Entries:next_change()
  return not self.evict and self.expiries:resumes() or nil
end

function Entries:flush()
  forget(self, self.expiries.count)
end

return function(wanted)
  return setmetatable({ size = wanted.size, ttl = wanted.ttl or math.huge,
    refuse = wanted.refuse or "drop", evict = wanted.evict, expiries = spans(), created = 0,
    gone = 0 }, Entries)
end
