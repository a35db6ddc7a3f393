--- A latency knee, M/M/1: { rate= }. The exchange takes base / (1 - load / rate); near the
-- rate as long as a queue had the time to grow, and above it the queue grows.

local Knee = {}
Knee.__index = Knee

function Knee:begin(run)
  self.backlog = math.max(0, self.backlog - math.max(0, run.start - self.at))
  self.at, self.since = run.start, run.start
end

-- What is added to the base when the load has lasted that long.
local function queueing(self, load, base, lasted)
  local grown = math.sqrt(math.max(0, lasted) / self.rate)
  return load < 1 and math.min(base * load / (1 - load), grown) or grown
end

function Knee:pass(flow, run)
  local base, span = run.device.base, flow.n * flow.step
  local load = 1 / flow.step / self.rate
  local first = self.backlog + queueing(self, load, base, flow.at - self.since)
  self.backlog = math.max(0, self.backlog + (load - 1) * span)
  local last = self.backlog + queueing(self, load, base, flow.at + span - self.since)
  self.at = flow.at + span
  flow.wait = flow.wait + first
  flow.wait_step = flow.wait_step + (flow.n > 1 and (last - first) / (flow.n - 1) or 0)
end

return function(wanted)
  return setmetatable({ rate = wanted.rate, backlog = 0, at = 0, since = 0 }, Knee)
end
