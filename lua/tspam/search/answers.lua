--- The answer of a search, in fields and one sentence of reason.

local format = require "tspam.format"
local lowest = require "tspam.search.lowest"
local outages = require "tspam.search.outages"

local answers = {}

-- Why a load does not pass: its last trial of high loss.
local function why_not(s, rate, goal)
  local trials = s.evidence:trials(rate)
  for i = #trials, 1, -1 do
    if s.evidence:high(trials[i], goal) then
      return ("at %s: %s"):format(format.rate(rate), s:why(trials[i]))
    end
  end
  return ("%s did not pass"):format(format.rate(rate))
end

-- What the user should know of how the answer was come by.
local function remarks(s, answer)
  local list, goal = {}, s.goals[1]
  local own, known = s.evidence:own_share()
  if own > 0 then
    list[#list + 1] = ("the path loses %s by itself, at the lowest rate%s"):format(
      format.share(own, 1), known < lowest.KNOWN
        and (" (known of %s only)"):format(format.plural(known, "connection")) or "")
  end
  if goal.grown then
    list[#list + 1] = ("trials of %s were needed to use up a burst of %s"):format(
      format.span(goal.final), format.plural(s.evidence.steady and
        math.floor(s.evidence.steady.burst + 0.5) or 0, "connection"))
  end
  if not answer.confirmed and answer.rate then
    list[#list + 1] = "no longer trial confirmed it"
  end
  return #list > 0 and "; " .. table.concat(list, "; ") or ""
end

local function own_limit(s, b)
  return { rate = b.lower, lower = b.lower, limited_by = s.own.limit, confirmed = s.confirmed,
    upper = s.own.rate > b.lower and s.own.rate or nil,
    reason = ("inconclusive at %s: %s"):format(format.rate(s.own.rate), s.own.why) }
end

--- The answer of a search that came to its end.
function answers.found(s)
  local b, goal = s.bracket, s.goals[1]
  if not b.lower then
    return { limited_by = "target", upper = b.upper, conclusive = false,
      reason = why_not(s, b.upper, goal) }
  elseif b.own or s.own and not b.upper then
    return own_limit(s, b)
  end
  local model = goal.steady and s.evidence.steady
  local answer = { rate = b.lower, lower = b.lower, upper = b.upper,
    confirmed = s.confirmed or false, conclusive = true }
  if b.upper then
    answer.limited_by = "target"
    answer.reason = why_not(s, b.upper, goal)
    -- Twice measured, between the bounds: the best that is known.
    if model and b.lower <= model.rate and model.rate <= b.upper then
      answer.rate = model.rate
    end
  else
    answer.limited_by = "none found"
    answer.reason = ("no limit found up to %s (--max-rate)"):format(
      format.rate(s.options.max_rate))
  end
  answer.reason = answer.reason .. remarks(s, answer)
  return answer
end

-- The lowest load above the answer whose trials disagree, in words.
local function disagreeing(s, lower)
  for _, rate in ipairs(s.evidence.rates) do
    local lossy, n = 0, 0
    for _, trial in ipairs(rate > (lower or 0) and s.evidence:trials(rate) or {}) do
      n, lossy = n + 1, lossy + (s.evidence:high(trial, s.stable_goal) and 1 or 0)
    end
    if lossy > 0 and lossy < n then
      return ("at %s %d of %s lost more than the goal, the others did not"):format(
        format.rate(rate), lossy, format.plural(n, "trial"))
    end
  end
  return "one lost more than the goal, and one at a higher rate did not"
end

--- The answer where trials of one load disagree: the highest load at which they do not.
function answers.unstable(s)
  local b, gaps = s.bracket, s.gaps >= outages.GAPS
  local reason = "trials disagree above it: " .. disagreeing(s, b.lower)
  return { rate = b.lower, lower = b.lower, upper = b.upper,
    limited_by = gaps and "none found" or "target", confirmed = b.lower_class == "lower",
    conclusive = b.lower ~= nil and not gaps, unstable_above = b.lower,
    reason = gaps and ("%s; in %s the target served nobody for a while: outages, or a table that "
      .. "fills and ages, which is not known"):format(reason, format.plural(s.gaps, "trial"))
      or reason }
end

-- A search that ended early knows what passed so far.
local function early(s)
  local answer = s.answer
  local b = s.evidence.lowest and s.evidence:bracket(s.goals[1]) or {}
  answer.rate, answer.lower = b.lower, b.lower
  local upper = answer.upper or b.upper
  answer.upper = upper and upper > (b.lower or 0) and upper or nil
end

--- Fills in what every answer has.
function answers.complete(s)
  local answer = s.answer
  if answer.unfinished then
    early(s)
  end
  answer.limited_by = answer.limited_by or "none found"
  answer.confirmed = answer.confirmed or false
  answer.goals = {}
  for i, goal in ipairs(s.goals) do
    local lower, upper, throughput = s.evidence:bounds(goal)
    answer.goals[i] = { name = goal.name, final = goal.final, sum = goal.sum, loss = goal.loss,
      exceed = goal.exceed, width = goal.width, lower = lower, upper = upper,
      conditional_throughput = throughput }
  end
end

return answers
