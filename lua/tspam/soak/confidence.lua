--- What so many failures of so many connections say, with 95 % confidence, of the
-- share that fails: how many it takes to show that it is as small as RFC 9411 asks.

local format = require "tspam.format"

local confidence = {}

--- Fewer than this may fail, where nobody says another share.
confidence.share = 1e-5

--- No run lasts longer, in seconds.
local LONGEST <const> = 1e6

local function poisson_at_most(k, mean)
  local term, sum = math.exp(-mean), 0
  for i = 0, k do
    sum = sum + term
    term = term * mean / (i + 1)
  end
  return sum
end

-- The largest mean with which k failures are compatible: 3 for none.
local function most(k)
  if k > 200 then
    return k + 1.645 * math.sqrt(k) + 1.2
  end
  local low, high = k, 3 * k + 5
  for _ = 1, 60 do
    local mean = (low + high) / 2
    if poisson_at_most(k, mean) > 0.05 then
      low = mean
    else
      high = mean
    end
  end
  return high
end

--- The share of failures that k of n are compatible with: for k = 0 the rule of
-- three, 3 / n. nil where n is 0.
function confidence.bound(k, n)
  return n > 0 and math.min(1, most(k) / n) or nil
end

--- So many connections, k of them failed, are enough to show that less than a share fail:
-- of 0.001 % 300,000 for none. Three figures, rounded up.
function confidence.needed(k, share)
  local n = most(k) / (share or confidence.share)
  local unit = 10 ^ (math.floor(math.log(n, 10)) - 2)
  return math.tointeger(math.ceil(math.ceil(n / unit) * unit))
end

function confidence.of(k, n, share)
  share = share or confidence.share
  local bound = confidence.bound(k, n)
  return { connections = n, failed = k, bound = bound, level = 0.95, share = share,
    enough = bound ~= nil and bound < share, needed = confidence.needed(k, share) }
end

--- max(300 s, what it takes without a failure). -> seconds
function confidence.default_length(rate, share)
  return math.min(LONGEST, math.max(300, confidence.needed(0, share) / rate))
end

--- How to make so many.
function confidence.way(rate, connections)
  local length = math.ceil(connections / rate)
  return length <= LONGEST and ("--length %d"):format(length) or "a higher rate"
end

--- Why a run that violated nothing does not pass. made: of confidence.of
function confidence.too_few(made, rate)
  return ("no criterion is violated, but %s cannot show with 95 %% confidence that fewer than "
    .. "%s fail; %s can, if %s (%s)"):format(
    format.plural(made.connections, "connection"), format.share(made.share, 1),
    format.count(made.needed), made.failed == 0 and "none fails"
    or ("no more than %s fail"):format(format.count(made.failed)),
    confidence.way(rate, made.needed))
end

--- What is to be said before a run that makes too few; or nil.
function confidence.foresee(rate, length, share)
  share = share or confidence.share
  local n, needed = math.floor(rate * length + 0.5), confidence.needed(0, share)
  if n < needed then
    return ("note: %s can fail, but not pass: to show that fewer than %s fail takes "
      .. "%s without a failure (%s)"):format(format.plural(n, "connection"),
      format.share(share, 1), format.count(needed), confidence.way(rate, needed))
  end
end

return confidence
