--- The arithmetic of everything that lets through what it has room for.
-- credit(n, have, gain, most) -> passed, first, left
--   n connections come, evenly; room for `have` is there when the first comes, and for
--   `gain` more from each to the next, but never for more than `most` (2 or more, if nil).
--   passed: how many get through; first: how many came before the first that did not (nil:
--   all passed); left: room when the last has come.

--- So much less than a whole one is a whole one: sums of fractions are not exact.
local EXACT <const> = 1e-6

-- Where there is never room for two, what is left of one is lost time and again.
local function one_by_one(n, have, gain, most)
  local passed, first = 0, nil
  for i = 0, n - 1 do
    have = math.min(most, i > 0 and have + gain or have)
    if have + EXACT >= 1 then
      passed, have = passed + 1, have - 1
    else
      first = first or i
    end
  end
  return passed, first, have
end

return function(n, have, gain, most)
  if most and most < 2 then
    return one_by_one(n, have, gain, most)
  end
  local all = have + gain * (n - 1)
  if gain >= 1 then
    local waits = have + EXACT < 1 and 1 or 0
    return n - waits, waits == 1 and 0 or nil, all - (n - waits)
  end
  local passed = math.max(0, math.min(n, math.floor(all + EXACT)))
  if passed == n then
    return n, nil, all - n
  end
  local first = have + EXACT < 1 and 0 or math.floor((have - 1) / (1 - gain) + EXACT) + 1
  return passed, math.min(first, passed), all - passed
end
