--- The end of a search: confirms its bracket by longer trials, states the answer.

local format = require "tspam.format"

--- The confirming trial outlasts the others by this factor.
local CONFIRM = 3
--- At most so many confirming trials, each below a failed one or above a pass.
local MOVES = 6
--- Failed trials up to this much above the answer tell what gets through there.
local NEAR = 1.1
--- Two failed long trials of which as much got through, within this, agree.
local AGREE = 0.05

-- own: the verdict of a longer trial that met this machine's limit.
local function conclude(s, answer, moved, own)
  answer.upper = s.upper
  if s.upper then
    answer.limited_by = "target"
    answer.reason = ("at %s: %s"):format(format.rate(s.upper), s.bounding.why)
  else
    answer.reason = ("no limit found up to %s"):format(format.rate(s.goals.max_rate))
  end
  if moved then
    answer.reason = answer.reason .. "; a longer trial moved the answer down"
  end
  if not answer.confirmed then
    answer.reason = answer.reason .. "; no longer trial confirmed it"
      .. (own and (" (inconclusive: %s)"):format(own.why) or "")
  end
  s:finish(answer)
  s.conclusive = true
end

--- Where to try next when the longer trial failed: a little lower, or, where it
-- failed clearly, what got through in its later half, when the burst was spent.
local function below(s, rate, verdict)
  local little = rate / (1 + s.goals.precision)
  if not verdict.clear then
    return little
  end
  local through, before = s:through(verdict), s.seen_through
  s.seen_through = through
  if before and math.abs(through / before - 1) <= AGREE then
    return math.min(little, through)
  end
  return math.min(little, math.max(through, 0.8 * rate))
end

--- What the target carries for certain: the rate less the misses that would have
-- passed, and no more than got through where it failed close by, for a bucket
-- may have had a burst to give.
local function certain(s, rate, verdict)
  local lower = rate * (1 - verdict.allowed)
  for _, fail in ipairs(s:fails()) do
    local near = fail.digest.rate <= NEAR * rate and fail.digest.plateau > 0.8 * rate
    lower = near and math.min(lower, s:through(fail) * (1 - fail.allowed)) or lower
  end
  return lower
end

--- A long trial that is slow where a short one was not gets a second chance, and
-- so does a doubtful one where no rate has failed yet.
local function long_trial(s, rate)
  local length = CONFIRM * s.goals.length
  local verdict, result = s:attempt(rate, length)
  local doubtful = verdict and verdict.trial == "fail" and not verdict.clear and not s.upper
  if doubtful or verdict and verdict.slow then
    return s:attempt(rate, length)
  end
  return verdict, result
end

--- Confirms by a longer trial; one that fails moves the answer down. Ends the
-- search, unless its upper end proved to be none: then it has to go on.
return function(s)
  local goals = s.goals
  local rate = s.lower
  local answer, moved, own = { rate = rate, confirmed = false }, false, nil
  for _ = 1, MOVES do
    local verdict = long_trial(s, rate)
    if not verdict then
      return
    elseif verdict.trial == "invalid" then
      own = verdict
      break
    elseif verdict.trial == "pass" then
      answer = { rate = rate, lower = certain(s, rate, verdict), confirmed = true }
      s.lower = rate
      if not s.upper or s.upper <= rate * (1 + 2 * goals.precision) then
        break
      end
      rate = math.sqrt(rate * s.upper)
    else
      s:bound(rate, verdict)
      moved = moved or not answer.confirmed
      rate = answer.confirmed and math.sqrt(answer.rate * rate)
        or below(s, rate, verdict)
      answer.rate = answer.confirmed and answer.rate or rate
    end
  end
  if answer.confirmed and s:lifted(CONFIRM * goals.length) then
    return
  elseif not answer.confirmed then
    answer.lower = math.min(answer.rate, s.lower, s.seen_through or math.huge)
  end
  if own and not s.upper then
    return s:own_limit(answer, format.rate(answer.rate) .. " over a longer trial", own)
  end
  conclude(s, answer, moved, own)
end
