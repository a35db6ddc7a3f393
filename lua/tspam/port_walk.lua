--- Source ports of many runs in a row: each run goes on where the last one ended,
-- so that a tuple comes back as late as the range allows (the state that a
-- device keeps for it outlives a run), and none comes from the kernel, which
-- must not be mixed with explicit ports on one address.
--
--   local walk = port_walk.new("1024-65535", addresses)
--   walk:take(n) -> "1024-2323", for a run of n connections; "lo-hi/2" stays so
--   walk:ended()    that run is over
--   walk.shortest -> seconds until a port came back in a later run, or nil

local tspam = require "tspam"

local Walk = {}
Walk.__index = Walk

--- Ports that something listens on, or that are reserved, are left out of a walk.
local SPARE <const> = 64

--- The half of the kernel's range that the kernel itself takes last: "lo-hi/2".
-- A port that was bound explicitly is not the kernel's to choose for a minute, so
-- a search over the whole range would leave the next load without ports.
local function own_half()
  local file <close> = io.open("/proc/sys/net/ipv4/ip_local_port_range")
  local lo, hi = (file and file:read("a") or ""):match("(%d+)%s+(%d+)")
  return ("%d-%d/2"):format((lo or 32768) + 1, hi or 60999)
end

-- Notes that lo..hi is used again after earlier runs of some of these ports: a port
-- may have been the last that such a run used, and the first that this one does.
local function reuse(self, lo, hi)
  local now = tspam.now()
  for _, window in ipairs(self.windows) do
    if window.lo <= hi and lo <= window.hi then
      local after = now - window.ended
      self.shortest = math.min(self.shortest or after, after)
    end
  end
  table.insert(self.windows, { lo = lo, hi = hi, ended = now })
end

function Walk:ended()
  self.windows[#self.windows].ended = tspam.now()
end

local function text(self, lo, hi)
  return ("%d-%d"):format(lo, hi) .. (self.step > 1 and ("/%d"):format(self.step) or "")
end

function Walk:take(connections)
  local size = (self.hi - self.lo) // self.step + 1
  local need = math.ceil(connections / self.addresses * 1.02) + SPARE
  if need >= size then
    self.next = self.lo
    reuse(self, self.lo, self.hi)
    return text(self, self.lo, self.hi)
  elseif self.next + (need - 1) * self.step > self.hi then
    self.next = self.lo
  end
  local lo, hi = self.next, self.next + (need - 1) * self.step
  self.next = hi + self.step
  reuse(self, lo, hi)
  return text(self, lo, hi)
end

local function new(range, addresses)
  local lo, hi, step = range:match("^(%d+)-(%d+)/?(%d*)$")
  lo, hi = math.tointeger(lo), math.tointeger(hi)
  return setmetatable({ lo = lo, hi = hi, next = lo, step = math.tointeger(step) or 1,
    windows = {}, addresses = math.max(1, addresses or 1) }, Walk)
end

return { new = new, own_half = own_half }
