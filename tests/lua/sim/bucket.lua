--- A token bucket on new connections: { rate=, burst= (5), refuse= ("drop") }.

local credit = require "sim.credit"

local Bucket = {}
Bucket.__index = Bucket

function Bucket:pass(flow, run)
  local rate, burst = self.rate, self.burst
  local have = math.min(burst, self.tokens + rate * (flow.at - self.at))
  local gain = rate * flow.step
  local passed, first, left = credit(flow.n, have, gain, burst)
  self.at = flow.at + (flow.n - 1) * flow.step
  self.tokens = math.min(gain >= 1 and passed > 0 and burst - 1 or burst, left)
  run:thin(flow, passed, first, self.refuse)
end

return function(wanted)
  local burst = wanted.burst or 5
  return setmetatable({ rate = wanted.rate, burst = burst, refuse = wanted.refuse or "drop",
    tokens = burst, at = 0 }, Bucket)
end
