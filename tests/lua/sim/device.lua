--- A simulated device: what each connection meets on its way, in this order.
-- device(wanted, dice) -> object; wanted: see sim.lua. Its time is the time of the world,
-- and its state outlives a run.

local loss = require "sim.loss"

local KINDS <const> = { "generator", "outage", "fail_all", "loss", "frog", "unstable",
  "retransmit_all", "bucket", "open", "entries", "link", "server", "knee", "hiccup" }

local Device = {}
Device.__index = Device

function Device:begin(run)
  for _, element in ipairs(self.elements) do
    if element.begin then
      element:begin(run)
    end
  end
end

--- Sends a flow through; what is left of it gets an answer.
function Device:pass(flow, run)
  local came = flow.n
  for _, element in ipairs(self.elements) do
    if flow.n == 0 then
      break
    end
    element:pass(flow, run)
  end
  self.passed, self.refused = self.passed + flow.n, self.refused + came - flow.n
end

--- Passed connections and when they will have ended.
function Device:enter(n, at, step)
  if self.open then
    self.open:enter(n, at, step)
  end
end

--- Of n connections whose exchange ends now, how many the device knows no more.
function Device:lost(batch, n)
  if not batch.entry then
    return 0
  end
  local gone = self.entries:lost(batch.at + (n - 1) * batch.step)
  return math.max(0, math.min(n, math.floor((gone - batch.entry) / batch.entry_step) + 1))
end

--- When it answers again, where it does not answer now; else nil.
function Device:mute_until(time)
  return self.outage and self.outage:until_when(time)
end

--- The next moment at which it behaves differently, or nil.
function Device:next_change(now)
  local next_one
  for _, element in ipairs(self.changing) do
    local at = element:next_change(now)
    if at and at > now and at < (next_one or math.huge) then
      next_one = at
    end
  end
  return next_one
end

--- Slots are no longer than this, or what happens in them is blurred.
function Device:slot(takes)
  return math.min(self.open and takes or math.huge,
    self.entries and self.entries.ttl / 4 or math.huge)
end

--- All state is gone, as after a "flush" on its command line.
function Device:flush()
  self.flushed = self.flushed + 1
  for _, element in ipairs(self.elements) do
    if element.flush then
      element:flush()
    end
  end
end

return function(wanted, dice)
  local self = setmetatable({ wanted = wanted, elements = {}, changing = {}, dice = dice,
    passed = 0, refused = 0, flushed = 0, base = wanted.base or 4e-3,
    jitter = wanted.jitter or 0 }, Device)
  for _, kind in ipairs(KINDS) do
    if wanted[kind] or kind == "outage" and wanted.dies then
      local make = loss[kind] or require("sim." .. kind)
      local element = make(wanted[kind], wanted, dice)
      self.elements[#self.elements + 1] = element
      self[kind] = element
      self.changing[#self.changing + 1] = element.next_change and element
    end
  end
  return self
end
