--- When the connections of a run are due, by the fields of tspam.run.
-- schedule(spec) -> { length=, total=, rate= (mean), due_by(t) -> count, at(i) -> seconds }
-- Connection i (from 0) is due when i would have been opened at that rate: as in tspam.

--- A sum of fractions that is so near to a whole number is one.
local EXACT <const> = 1e-6

local function parts_of(spec)
  if spec.stages and spec.stages[1] then
    return spec.stages
  end
  local mean = (spec.rate + (spec.rate_to or spec.rate)) / 2
  local length = spec.length or spec.count and spec.count / mean or 10
  return { { rate = spec.rate, rate_to = spec.rate_to, length = length } }
end

-- Connections that are due in the first t seconds of a line from one rate to another.
local function area(part, t)
  local slope = ((part.rate_to or part.rate) - part.rate) / part.length
  return part.rate * t + slope * t * t / 2
end

local function moment(part, n)
  local slope = ((part.rate_to or part.rate) - part.rate) / part.length
  if slope == 0 then
    return n / part.rate
  end
  return (math.sqrt(math.max(0, part.rate ^ 2 + 2 * slope * n)) - part.rate) / slope
end

-- The plain case, which is most of them, without a loop.
local function constant(self, rate)
  local total = self.total
  function self.due_by(t)
    return math.min(total, math.ceil(rate * t - EXACT))
  end

  function self.at(i)
    return i / rate
  end

  return self
end

return function(spec)
  local parts, length, sum = parts_of(spec), 0, 0
  for _, part in ipairs(parts) do
    length, sum = length + part.length, sum + area(part, part.length)
  end
  local self = { length = length, rate = sum / length,
    total = spec.count or math.ceil(sum - EXACT) }

  if not parts[2] and not parts[1].rate_to then
    return constant(self, parts[1].rate)
  end

  --- How many are due before t.
  function self.due_by(t)
    local n = 0
    for _, part in ipairs(parts) do
      n = n + area(part, math.min(t, part.length))
      t = t - part.length
      if t <= 0 then
        break
      end
    end
    return math.min(self.total, math.ceil(n - EXACT))
  end

  function self.at(i)
    local from = 0
    for k, part in ipairs(parts) do
      local n = area(part, part.length)
      if i < n or k == #parts then
        return from + moment(part, i)
      end
      i, from = i - n, from + part.length
    end
  end

  return self
end
