--- How likely is so many misses by chance? Poisson, which is close to binomial where
-- misses are few.

local chance = {}

--- Past this mean the normal approximation is closer than the need.
local LARGE <const> = 200

-- Abramowitz and Stegun 26.2.17: the upper tail of the normal distribution.
local function normal_tail(z)
  if z < 0 then
    return 1 - normal_tail(-z)
  end
  local t = 1 / (1 + 0.2316419 * z)
  local series = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937
    + t * (-1.821255978 + t * 1.330274429))))
  return math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * series
end

--- The chance of k or fewer where mean are expected.
function chance.at_most(k, mean)
  if mean > LARGE then
    return 1 - normal_tail((k + 0.5 - mean) / math.sqrt(mean))
  end
  local term, sum = math.exp(-mean), 0
  for i = 0, k do
    sum, term = sum + term, term * mean / (i + 1)
  end
  return math.min(1, sum)
end

--- The chance of k or more where mean are expected.
function chance.at_least(k, mean)
  if mean > LARGE then
    return normal_tail((k - 0.5 - mean) / math.sqrt(mean))
  end
  return k <= 0 and 1 or 1 - chance.at_most(k - 1, mean)
end

return chance
