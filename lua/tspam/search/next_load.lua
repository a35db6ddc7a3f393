--- Where to look next: the default choice of a search, and its parts.
-- next_load.default(b) -> a rate between b.lower and b.upper, or beyond the one that is there.
-- b, what is known:
--   lower, upper   loads of low and of high loss; nil where there is none yet
--   start, max_rate, increment (nil: it is for the choice to say), width (of the goal)
--   estimate       what got through under overload, connections a second; nil: unknown
--   margin         what a burst adds to it in a trial, a second
--   carried        a load above the estimate that passed all the same, by its burst

local next_load = {}

--- Where the limit is below a load of which nothing got through.
local DOWN <const> = 8

--- No load has failed yet.
function next_load.up(b)
  return math.min(b.lower * (b.increment or 2), b.max_rate)
end

--- No load has passed yet: half of what got through tells more than half of the load.
function next_load.down(b)
  local through = b.estimate and b.estimate < b.upper and b.estimate or 0
  return math.max(through / 2, b.upper / DOWN)
end

--- Just below and just above what got through, so that both bounds are near it; else
-- the geometric middle.
function next_load.inside(b)
  local step = math.sqrt(1 + b.width)
  if b.estimate then
    local below, above = b.estimate / step, b.estimate * step + b.margin
    if b.lower < below * (1 - 1e-9) and below < b.upper then
      return below
    elseif math.max(b.lower, b.carried or 0) < above and above < b.upper * (1 - 1e-9) then
      return above
    end
  end
  return math.sqrt((b.carried or b.lower) * b.upper)
end

function next_load.default(b)
  if not b.upper then
    return b.lower and next_load.up(b) or b.start
  end
  return b.lower and next_load.inside(b) or next_load.down(b)
end

return next_load
