--- What a simulated run measures: histograms, the timeline, and how latencies spread.
-- figures.new(dice, jitter) -> object with
--   :ended(first, last, n, takes)  n connections ended ok, after `first` .. `last` seconds;
--                                  `takes` of it is the exchange itself, which spreads
--   :interval(time, counts)        closes an interval -> it, as in a timeline

local Figures = {}
Figures.__index = Figures

--- The exponential distribution of mean 1 in six parts: their shares, their means.
local PARTS <const> = {}
do
  local from = 0
  local function tail(p) -- mean of what is above, times its share
    return p >= 1 and 0 or (1 - math.log(1 - p)) * (1 - p)
  end
  for i, to in ipairs { 0.4, 0.6, 0.8, 0.95, 0.985, 1 } do
    PARTS[i] = { to = to, mean = (tail(from) - tail(to)) / (to - from) }
    from = to
  end
end

--- Fewer than this are drawn one by one; a longer climb within a slot is cut in parts.
local FEW <const>, CLIMB <const>, CUTS <const> = 7, 0.02, 4

local function record(self, latency, n)
  self.latency:record(latency, n)
  local slice = self.slice
  slice[#slice + 1] = { latency, n }
end

local function spread(self, latency, n, takes)
  local width = takes * self.jitter
  if width == 0 then
    return record(self, latency, n)
  elseif n < FEW then
    for _ = 1, n do
      record(self, latency + width * (self.dice:exponential() - 1), 1)
    end
    return
  end
  local done = 0
  for _, part in ipairs(PARTS) do
    local to = math.floor(part.to * n + 0.5)
    if to > done then
      record(self, latency + width * (part.mean - 1), to - done)
    end
    done = to
  end
end

function Figures:ended(first, last, n, takes)
  local cuts = math.abs(last - first) > CLIMB * first and math.min(n, CUTS) or 1
  local done = 0
  for i = 1, cuts do
    local to = n * i // cuts
    spread(self, first + (last - first) * (i - 0.5) / cuts, to - done, takes)
    done = to
  end
  self.connect:record(takes / 2, n)
  self.first_byte:record(math.max(1e-9, (first + last) / 2 - self.hold - takes / 2), n)
end

-- Of a sorted list of { value, n }.
local function percentile(list, all, p)
  local seen = 0
  for _, pair in ipairs(list) do
    seen = seen + pair[2]
    if seen >= all * p then
      return pair[1]
    end
  end
end

local function by_value(a, b)
  return a[1] < b[1]
end

--- counts: { started, ok, failed } since the run began.
function Figures:interval(time, counts)
  local slice, before, all = self.slice, self.before, 0
  table.sort(slice, by_value)
  for _, pair in ipairs(slice) do
    all = all + pair[2]
  end
  local started = counts.started - before.started
  local interval = { time = time, started = started, ok = counts.ok - before.ok,
    failed = counts.failed - before.failed, open = counts.started - counts.ok - counts.failed,
    p50 = percentile(slice, all, 0.5), p99 = percentile(slice, all, 0.99),
    max = all > 0 and slice[#slice][1] or nil, lag_p99 = started > 0 and self.lateness or nil }
  self.slice = {}
  self.before = { started = counts.started, ok = counts.ok, failed = counts.failed }
  self.timeline[#self.timeline + 1] = interval
  return interval
end

--- So late is a generator that is not late.
local PUNCTUAL <const> = 6e-5

local function new(dice, jitter, hold)
  local self = { dice = dice, jitter = jitter, hold = hold, slice = {}, timeline = {},
    before = { started = 0, ok = 0, failed = 0 }, lateness = PUNCTUAL }
  for _, name in ipairs { "latency", "connect", "first_byte" } do
    self[name] = tspam.histogram.new()
  end
  return setmetatable(self, Figures)
end

return { new = new }
