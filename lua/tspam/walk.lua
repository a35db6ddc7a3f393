--- Source ports of many runs in a row: each run goes on where the last one ended,
-- so that a tuple comes back as late as the range allows (the state that a
-- device keeps for it outlives a run), and none comes from the kernel, which
-- must not be mixed with explicit ports on one address.
--
--   local walk = walks.new("1024-65535", addresses)
--   walk:take(n) -> "1024-2323", for a run of n connections
--   walk.shortest -> seconds until a port came back in a later run, or nil

local tspam = require "tspam"

local Walk = {}
Walk.__index = Walk

--- Ports that something listens on, or that are reserved, are left out of a walk.
local SPARE <const> = 64

--- The kernel's range for outgoing connections, "lo-hi".
local function kernel_range()
  local file <close> = io.open("/proc/sys/net/ipv4/ip_local_port_range")
  local lo, hi = (file and file:read("a") or ""):match("(%d+)%s+(%d+)")
  return lo and ("%s-%s"):format(lo, hi) or "32768-60999"
end

-- Notes that lo..hi is used again after earlier runs of some of these ports.
local function reuse(self, lo, hi)
  local now = tspam.now()
  for _, window in ipairs(self.windows) do
    if window.lo <= hi and lo <= window.hi then
      local after = now - window.taken
      self.shortest = math.min(self.shortest or after, after)
    end
  end
  table.insert(self.windows, { lo = lo, hi = hi, taken = now })
end

function Walk:take(connections)
  local size = self.hi - self.lo + 1
  local need = math.ceil(connections / self.addresses * 1.02) + SPARE
  if need >= size then
    self.next = self.lo
    reuse(self, self.lo, self.hi)
    return ("%d-%d"):format(self.lo, self.hi)
  elseif self.next + need - 1 > self.hi then
    self.next = self.lo
  end
  local lo, hi = self.next, self.next + need - 1
  self.next = hi + 1
  reuse(self, lo, hi)
  return ("%d-%d"):format(lo, hi)
end

local function new(range, addresses)
  local lo, hi = range:match("^(%d+)-(%d+)$")
  lo, hi = math.tointeger(lo), math.tointeger(hi)
  return setmetatable({ lo = lo, hi = hi, next = lo, windows = {},
    addresses = math.max(1, addresses or 1) }, Walk)
end

return { new = new, kernel_range = kernel_range }
