--- Classifies a load by what was measured at it, as RFC 9971 (MLRsearch) says. Pure
-- arithmetic: numbers in, words out. Durations are seconds.
--
-- A goal has:
--   final   final trial duration: a shorter trial is a short one
--   sum     duration sum: so many seconds decide a load
--   loss    loss ratio: a trial that loses more is a high-loss trial
--   exceed  exceed ratio: the part of the seconds that may be of high loss
--   width   relative width of the interval between the bounds
-- A trial has: length, loss (its loss ratio), high (is it of high loss for the goal?).

local classify = {}

--- Sums of fractions of a second are not exact.
local EXACT <const> = 1e-9

--- Seconds of low and high loss, in full-length and short trials.
function classify.seconds(trials, goal)
  local s = { full_low = 0, full_high = 0, short_low = 0, short_high = 0 }
  for _, trial in ipairs(trials) do
    local kind = (trial.length >= goal.final and "full_" or "short_")
      .. (trial.high and "high" or "low")
    s[kind] = s[kind] + trial.length
  end
  return s
end

--- The effective high-loss sum and the effective whole sum: short trials of low loss balance
-- short ones of high loss, and what is missing of the duration sum counts as well.
function classify.effective(seconds, goal)
  local balance = seconds.short_low * goal.exceed / (1 - goal.exceed)
  local high = seconds.full_high + math.max(0, seconds.short_high - balance)
  return high, math.max(seconds.full_low + high, goal.sum)
end

--- "lower", "upper" or "undecided". (RFC 9971, Load Classification Logic: what is missing of
-- the duration sum is taken for high loss by the pessimist, for low loss by the optimist.)
function classify.load(seconds, goal)
  local high, whole = classify.effective(seconds, goal)
  local quantile = whole * goal.exceed + EXACT
  if whole - seconds.full_low <= quantile then
    return "lower"
  end
  return high <= quantile and "undecided" or "upper"
end

--- The relevant bounds. loads: list of {rate, class}. -> the largest lower bound below
-- the smallest upper bound, and that upper bound; each nil where there is none.
function classify.bounds(loads)
  local lower, upper
  for _, load in ipairs(loads) do
    if load.class == "upper" and (not upper or load.rate < upper) then
      upper = load.rate
    end
  end
  for _, load in ipairs(loads) do
    if load.class == "lower" and load.rate < (upper or math.huge)
      and load.rate > (lower or 0) then
      lower = load.rate
    end
  end
  return lower, upper
end

--- What passes of a load, in all but the exceed ratio of its full-length seconds.
-- (RFC 9971, Conditional Throughput Code.) nil: no full-length trial
function classify.conditional_throughput(rate, trials, goal)
  local full, seconds = {}, 0
  for _, trial in ipairs(trials) do
    if trial.length >= goal.final then
      full[#full + 1], seconds = trial, seconds + trial.length
    end
  end
  table.sort(full, function(a, b) return a.loss < b.loss end)
  local remaining, loss = math.max(goal.sum, seconds) * (1 - goal.exceed), nil
  for _, trial in ipairs(full) do
    if loss and remaining <= 0 then
      break
    end
    loss, remaining = trial.loss, remaining - trial.length
  end
  if not loss then
    return nil
  end
  return remaining > 0 and 0 or rate * (1 - loss)
end

return classify
