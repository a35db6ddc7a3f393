-- The search, handed trials that are made up: what it asks of them, and what it makes of
-- those that are invalid, interrupted or refused.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local goals = require "tspam.search.goal"
local results = require "results"
local search = require "tspam.search"
local tspam = require "tspam"
local test, equal, contains = t.test, t.equal, t.contains

-- A search of trials that this function makes, in its own time -> outcome
local function searched(trial, more)
  local now, n = 0, 0
  local options = { length = 3, now = function() return now end,
    wait = function(seconds) now = now + seconds end,
    trial = function(load)
      now, n = now + load.length, n + 1
      return trial(load, n)
    end }
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  return search(options)
end

test("an interrupted search answers with what there is", function()
  local outcome = searched(function(load, n)
    return results.clean(load.rate, load.length, { interrupted = n == 4 })
  end)
  equal(#outcome.trials, 4)
  equal(outcome.trials[4].why, "interrupted")
  equal(outcome.answer.reason, "interrupted")
  equal(outcome.answer.unfinished, true)
  equal(outcome.answer.rate, outcome.trials[3].rate)
  equal(outcome.conclusive, false)
end)

test("an interrupt between two trials is no trial", function()
  local outcome = searched(function(load, n)
    local result = results.clean(load.rate, load.length)
    if n == 3 then
      result.interrupted, result.started = true, 0
    end
    return result
  end)
  equal(#outcome.trials, 2)
end)

test("a trial that cannot run ends the search with its message", function()
  local outcome = searched(function(load, n)
    if n == 4 then
      return nil, "bind: no"
    end
    return results.clean(load.rate, load.length)
  end)
  equal(outcome.error, "bind: no")
  equal(outcome.answer.reason, "bind: no")
  equal(outcome.answer.rate, 200)
end)

test("a lowest load is measured again while something is learned from it", function()
  local looks = 0
  local outcome = searched(function(load) return results.clean(load.rate, load.length) end,
    { max_rate = 60, on_lowest = function()
      looks = looks + 1
      return looks < 3
    end })
  equal(looks, 3)
  for i = 1, 3 do
    equal(outcome.trials[i].rate, 50)
  end
  equal(outcome.evidence:total(50), 150) -- the last look alone is evidence
end)

local LATE <const> = { verdict = "invalid",
  reasons = { { limit = "generator", text = "late starts: 25 ms" } } }

test("an invalid lowest load is tried three times", function()
  local outcome = searched(function(load) return results.clean(load.rate, load.length, LATE) end)
  equal(#outcome.trials, 3)
  equal(outcome.answer.limited_by, "generator")
  equal(outcome.answer.rate, nil)
  equal(outcome.conclusive, false)
  equal(outcome.answer.reason, "inconclusive at 50/s: late starts: 25 ms")
end)

test("a machine that something else keeps busy is given more time", function()
  local outcome = searched(function(load, n)
    local result = results.clean(load.rate, load.length, n <= 6 and LATE or nil)
    result.cpu = { share = 0.02 }
    return result
  end, { max_rate = 100 })
  equal(outcome.answer.limited_by, "none found")
  equal(outcome.answer.rate, 100)
end)

test("an invalid trial is no evidence", function()
  local outcome = searched(function(load, n)
    local lost = n == 3 and { failed = 300, failures = { ["no-port/connect"] = 300 } } or {}
    return results.clean(load.rate, load.length, lost)
  end, { max_rate = 400 })
  equal(outcome.trials[3].trial, "invalid")
  equal(outcome.trials[4].rate, outcome.trials[3].rate)
  equal(#outcome.evidence:trials(200), 1)
  equal(outcome.answer.limited_by, "none found")
end)

test("a target that accepts and never answers is the limit, not a closed port", function()
  local outcome = searched(function(load)
    local n = math.floor(load.rate * load.length + 0.5)
    return results.clean(load.rate, load.length, { ok = 0, failed = n, timeline = {},
      failures = { ["timeout/reply"] = n }, latency = results.median(nil),
      target = { address = "192.0.2.7", port = 80 } })
  end)
  equal(outcome.answer.limited_by, "target")
  equal(outcome.answer.rate, nil)
  equal(outcome.conclusive, false)
  contains(outcome.answer.reason, "already at the lowest rate, 50/s, 100 % failed: "
    .. "timeout/reply 150")
  equal(outcome.answer.reason:find("listen"), nil)
end)

test("a search that is given no clock ends, however long the target stays silent", function()
  local deadline, made = tspam.now() + 5, 0
  local outcome = search { length = 1, recover = 0.05, wait = function() end,
    trial = function(load)
      assert(tspam.now() < deadline, "it goes on for ever")
      made = made + load.rate * load.length
      local dead = made > 400
      return results.of(load.rate, load.length, function() return not dead end)
    end }
  contains(outcome.answer.reason, "the target stopped answering")
end)

test("the caller's options are the same after a search, so a second one is the same", function()
  local now, goal = 0, { name = "own", final = 3, sum = 3, loss = 0, exceed = 0, width = 0.05 }
  local options = { start = 50, max_rate = 100, increment = 1.5, max_trials = 60, length = 3,
    goals = { goal }, wait = function() end, now = function() return now end,
    trial = function(load)
      now = now + load.length
      return results.clean(load.rate, load.length)
    end }
  local first = #search(options).trials
  equal(options.max_trials, 60)
  equal(getmetatable(options), nil)
  equal(options.rules, nil)
  equal(options.goals[1], goal)
  equal(getmetatable(goal), nil)
  equal(goal.first_final, nil)
  equal(#search(options).trials, first)
end)

test("a search that comes to no end gives up, and says how fewer trials would do", function()
  local outcome = searched(function(load) return results.clean(load.rate, load.length) end,
    { max_trials = 5 })
  equal(#outcome.trials, 5)
  equal(outcome.answer.unfinished, true)
  equal(outcome.answer.rate, 800)
  equal(outcome.answer.reason,
    "gave up after 5 trials: a higher start or a larger increment needs fewer")
end)

-- goals as they are written -> the outcome of a search for a bucket of 300/s
local function of_goals(...)
  local list = {}
  for i, text in ipairs { ... } do
    list[i] = goals.parse(text)
  end
  return searched(function(load) return results.bucket(load.rate, load.length, 300, 3) end,
    { goals = list })
end

test("each of several goals has its bounds and its conditional throughput from one search",
  function()
    local outcome = of_goals("6/12/0.5%/50%/2.5%", "3/3/0/0/5%", "rfc2544")
    equal(#outcome.answer.goals, 3)
    for i, goal in ipairs(outcome.answer.goals) do
      assert(goal.lower < goal.upper, goal.name)
      assert(goal.upper / goal.lower - 1 <= goal.width * (1 + 1e-9), goal.upper / goal.lower)
      assert(goal.lower <= 302 and goal.upper >= 300, ("goal %d: %s"):format(i, goal.lower))
      assert(goal.conditional_throughput <= goal.lower)
    end
    equal(outcome.answer.goals[3].name, "rfc2544")
    equal(outcome.answer.rate, outcome.answer.goals[1].lower)
    equal(outcome.answer.confirmed, true)
  end)

test("for a goal that is asked for, its own durations are kept to", function()
  local outcome, seconds = of_goals("6/12/0/0/5%"), {}
  for _, trial in ipairs(outcome.trials) do
    assert(trial.length <= 6, trial.length)
    seconds[trial.rate] = (seconds[trial.rate] or 0) + (trial.length == 6 and 6 or 0)
  end
  equal(seconds[outcome.answer.lower], 12)
end)

return t.finish()
