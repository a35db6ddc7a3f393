--- A part of a run in which each answer is late, on the device's side:
-- { chance= (of a run), seconds= (0.05), lasts= (0.15, of the run's length) }. It is long
-- enough for the median of a quarter of the run.

local Hiccup = {}
Hiccup.__index = Hiccup

function Hiccup:begin(run)
  self.from = math.huge
  if self.dice:chance(self.chance) then
    local length = run.schedule.length
    self.from = run.start + self.dice:uniform() * (1 - self.lasts) * length
    self.to = self.from + self.lasts * length
  end
end

function Hiccup:pass(flow)
  if flow.at >= self.from and flow.at < self.to then
    flow.wait = flow.wait + self.seconds
  end
end

function Hiccup:next_change(now)
  return now < self.from and self.from or now < self.to and self.to or nil
end

return function(wanted, _, dice)
  return setmetatable({ chance = wanted.chance, seconds = wanted.seconds or 0.05,
    lasts = wanted.lasts or 0.15, dice = dice, from = math.huge, to = -math.huge }, Hiccup)
end
