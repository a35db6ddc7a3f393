--- Finds the rate that a target carries. No sockets: it is handed a trial.
-- search(options) -> outcome. options:
--   trial(load)   runs {rate, length, n, …} -> what tspam.run returns | nil, message
--   goals         list of goals (tspam.search.goal); the first one's answer is the answer.
--                 Default: goal.default(length, max_failures, precision)
--   rules         what else makes a trial one of high loss (tspam.search.rules)
--   next_load     where to look next (tspam.search.next_load)
--   start, max_rate, increment (nil: doubling), length, noise (standard deviations)
--   on_trial(trial, n), on_lowest(result) -> true to make it again
--   wait(seconds, why) -> false when interrupted; now() -> seconds, of the same clock;
--   say(format, …) tells a person; waiting(what, waited, most) shows that it waits;
--   recover       seconds to wait for a target that answers no more
-- outcome: answer {rate, lower, upper, limited_by, reason, confirmed, unfinished,
--   unstable_above, limit, goals}; trials (list of {rate, length, trial, why, result});
--   evidence, outages, made (connections in all); conclusive (the answer is about the
--   target); error (a trial could not run)
--
-- Every valid trial is evidence about its load (tspam.search.evidence), each load is a lower
-- bound, an upper bound or undecided by the arithmetic of RFC 9971
-- (tspam.search.classify), and what to try next follows from the bounds.

local tspam = require "tspam"
local answers = require "tspam.search.answers"
local confirm = require "tspam.search.confirm"
local evidence = require "tspam.search.evidence"
local goals = require "tspam.search.goal"
local lowest = require "tspam.search.lowest"
local measure = require "tspam.search.measure"
local narrow = require "tspam.search.narrow"
local next_load = require "tspam.search.next_load"
local rules = require "tspam.search.rules"
local stability = require "tspam.search.stability"

local DEFAULTS <const> = {
  start = 50, max_rate = 1e6, length = 4, max_failures = 0.005, precision = 0.025, noise = 3.5,
  slowdown = 2, max_trials = 80, recover = 30, wait = tspam.sleep, now = tspam.now,
  next_load = next_load.default,
}
--- To find the highest stable load takes so many trials more.
local MORE_TRIALS <const> = 60

-- Steps that the user fixed may be small ones: so many more trials.
local function most_trials(options)
  local steps = options.increment
    and math.log(options.max_rate / options.start) / math.log(options.increment) or 0
  return options.max_trials + math.max(0, math.ceil(steps))
end

-- What the caller wants, over what is usual; goals are copied, for they may grow.
local function complete(wanted)
  local options = setmetatable({}, { __index = DEFAULTS })
  for name, value in pairs(wanted) do
    options[name] = value
  end
  options.rules = options.rules or rules.standard(options)
  options.max_trials = most_trials(options)
  local list = {}
  for i, goal in ipairs(options.goals or {}) do
    list[i] = setmetatable({ first_final = goal.final, width = goal.width or options.precision },
      { __index = goal })
  end
  if not list[1] then
    list[1] = goals.default(options.length, options.max_failures, options.precision)
    list[1].first_final, list[1].steady = options.length, true
  end
  options.goals = list
  return options
end

--- Each phase of a search -> the next one, or nil at its end.
local phases = {}

function phases.lowest(s)
  return lowest.find(s, phases.narrow)
end

function phases.narrow(s)
  s.bracket = narrow(s, s.goals[1])
  if s.goals[1].unstable(s) then
    return phases.unstable
  end
  return s.bracket.lower and phases.confirm or phases.answer
end

function phases.confirm(s)
  local verdict = confirm(s, s.bracket, s.goals[1])
  return verdict == "unstable" and phases.unstable or verdict and phases.narrow
    or phases.other_goals
end

--- The highest load at which no trial loses much.
function phases.unstable(s)
  s.unstable = true
  s.options.max_trials = s.options.max_trials + MORE_TRIALS
  s.bracket = narrow(s, s.stable_goal)
  return phases.answer
end

function phases.other_goals(s)
  for i = 2, #s.goals do
    narrow(s, s.goals[i])
  end
  return phases.answer
end

function phases.answer(s)
  s.answer = s.unstable and answers.unstable(s) or answers.found(s)
end

-- Runs the phases; a search that is left early has set its answer.
local function carry_out(s)
  local fine, problem = xpcall(function()
    local phase = phases.lowest
    while phase do
      phase = phase(s)
    end
  end, function(problem)
    return problem == s and s or debug.traceback(tostring(problem), 2)
  end)
  if not fine and problem ~= s then
    error(problem, 0)
  end
end

return function(wanted)
  local options = complete(wanted)
  local s = measure(options, evidence.new { noise = options.noise })
  s.stable_goal = stability.goal(s.goals[1])
  s.goals[1].unstable = function()
    return #stability.contradictions(s.evidence, s.goals[1]) > 1
  end
  carry_out(s)
  answers.complete(s)
  return { answer = s.answer, trials = s.trials, evidence = s.evidence, made = s.made,
    outages = s.outages, conclusive = s.answer.conclusive or false, error = s.error,
    goal = s.goals[1], length = options.length }
end
