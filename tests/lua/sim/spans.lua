--- Moments in a row, many at once: a queue of spans { at=, step=, n= } stands for the
-- moments at, at + step, … . A queue forgets those that have passed; `taken` was the last.

local Spans = {}
Spans.__index = Spans

--- So near to a moment it has come: sums of fractions are not exact.
local EXACT <const> = 1e-9

-- How many moments of a span have come by a time, of those that are left.
local function come(span, time)
  if time + EXACT < span.at then
    return 0
  elseif span.step <= 0 then
    return span.n
  end
  return math.min(span.n, math.floor((time - span.at) / span.step + 1e-6) + 1)
end

--- The moments need not come in order of their spans: a span finds its place.
function Spans:add(at, step, n)
  local list, i = self.list, self.tail
  while i >= self.head and list[i].at > at do
    list[i + 1] = list[i]
    i = i - 1
  end
  list[i + 1] = { at = at, step = step, n = n }
  self.tail, self.count = self.tail + 1, self.count + n
end

--- Takes n from the front.
function Spans:take(n)
  self.count = self.count - n
  while n > 0 do
    local span = self.list[self.head]
    local m = math.min(n, span.n)
    self.taken = span.at + (m - 1) * span.step
    span.at, span.n, n = span.at + m * span.step, span.n - m, n - m
    if span.n == 0 then
      self.list[self.head] = nil
      self.head = self.head + 1
    end
  end
end

--- How many moments come by a time.
function Spans:come(time)
  local n = 0
  for i = self.head, self.tail do
    local span = self.list[i]
    if span.at > time + EXACT then
      break
    end
    n = n + come(span, time)
  end
  return n
end

--- Forgets what has come. -> how many
function Spans:pass(time)
  local n = self:come(time)
  self:take(n)
  return n
end

--- The first moment, where it comes after a gap; else nil.
function Spans:resumes()
  local span = self.list[self.head]
  return span and span.at - self.taken > 1.5 * span.step and span.at or nil
end

function Spans:clear()
  self.list, self.head, self.tail, self.count, self.taken = {}, 1, 0, 0, -math.huge
end

return function()
  local self = setmetatable({}, Spans)
  self:clear()
  return self
end
