--- Chance that depends on a seed alone.
-- dice.new(seed) -> object with :uniform(), :normal(), :binomial(n, p), …

local Dice = {}
Dice.__index = Dice

-- xorshift64*
function Dice:uniform()
  local x = self.state
  x = x ~ (x >> 12)
  x = x ~ (x << 25)
  x = x ~ (x >> 27)
  self.state = x
  return ((x * 0x2545F4914F6CDD1D) >> 11) * 2.0 ^ -53
end

function Dice:chance(p)
  return p > 0 and self:uniform() < p
end

function Dice:normal()
  return math.sqrt(-2 * math.log(1 - self:uniform())) * math.cos(2 * math.pi * self:uniform())
end

--- Of mean 1.
function Dice:exponential()
  return -math.log(1 - self:uniform())
end

--- x as a whole number, up or down so that the mean stays.
function Dice:round(x)
  local low = math.floor(x)
  return low + (x > low and self:uniform() < x - low and 1 or 0)
end

function Dice:poisson(mean)
  if mean > 30 then
    return math.max(0, math.floor(mean + math.sqrt(mean) * self:normal() + 0.5))
  end
  local k, level, product = 0, math.exp(-mean), self:uniform()
  while product > level do
    k, product = k + 1, product * self:uniform()
  end
  return k
end

--- How many of n happen, each with the chance p.
function Dice:binomial(n, p)
  if n == 0 or p <= 0 then
    return 0
  elseif p > 0.5 then
    return n - self:binomial(n, 1 - p)
  elseif n * p > 30 then
    local drawn = n * p + math.sqrt(n * p * (1 - p)) * self:normal()
    return math.max(0, math.min(n, math.floor(drawn + 0.5)))
  elseif n > 20 then
    return math.min(n, self:poisson(n * p))
  end
  local k = 0
  for _ = 1, n do
    k = k + (self:uniform() < p and 1 or 0)
  end
  return k
end

local function new(seed)
  local self = setmetatable({ state = (seed or 1) * 0x9E3779B97F4A7C15 | 1 }, Dice)
  for _ = 1, 10 do
    self:uniform() -- the first draws of neighbouring seeds are alike
  end
  return self
end

return { new = new }
