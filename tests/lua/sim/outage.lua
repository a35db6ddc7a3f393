--- A time in which nothing gets through:
--   outage = { from=, to= }           of the world's time
--   outage = { seconds=, chance= }    begins at a random moment of a run, by chance
--   dies = time                       from then on for good

local Outage = {}
Outage.__index = Outage

function Outage:begin(run)
  local wanted = self.wanted
  if run.start >= self.to and wanted.chance and self.dice:chance(wanted.chance) then
    self.from = run.start + self.dice:uniform() * run.schedule.length
    self.to = self.from + wanted.seconds
    self.count = self.count + 1
  end
end

--- When the outage at this moment ends, or nil.
function Outage:until_when(time)
  if time >= self.dies then
    return math.huge
  end
  return time >= self.from and time < self.to and self.to or nil
end

function Outage:pass(flow, run)
  if self:until_when(flow.at) then
    run:thin(flow, 0, 0, "drop")
  end
end

function Outage:next_change(now)
  if now < self.from then
    return math.min(self.from, self.dies)
  end
  return now < self.to and math.min(self.to, self.dies) or self.dies
end

return function(wanted, all, dice)
  wanted = wanted or {}
  return setmetatable({ wanted = wanted, dice = dice, from = wanted.from or -1,
    to = wanted.to or -1, dies = all.dies or math.huge, count = 0 }, Outage)
end
