-- Do the trials of a load agree with each other? And outages within a trial.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local classify = require "tspam.search.classify"
local evidence = require "tspam.search.evidence"
local sim = require "sim"
local stability = require "tspam.search.stability"
local tspam = require "tspam"
local test, equal = t.test, t.equal

local GOAL <const> = { final = 3, sum = 9, loss = 0.005, exceed = 0.5, width = 0.025,
  steady = true, first_final = 3 }

-- first: when the first failure was, seconds of the trial
local function add(e, rate, misses, length, first)
  local n = rate * (length or 3)
  e:add { rate = rate, length = length or 3,
    result = { first_failure = { time = first or 0, count = 0 } },
    figures = { n = n, misses = misses, loss = misses / n } }
end

-- Trials { rate, misses, length, first } -> evidence, after 40 s of a clean lowest load.
local function of(list)
  local e = evidence.new { noise = 3 }
  add(e, 50, 0, 40)
  e:set_lowest(50)
  for _, row in ipairs(list) do
    add(e, table.unpack(row))
  end
  return e
end

-- what; trials as above; how many of them others contradict
for _, row in ipairs {
  { "trials that pass", { { 600, 0 }, { 600, 3 } }, 0 },
  { "a load that fails each time", { { 600, 500 }, { 600, 480 } }, 0 },
  { "one that fails at a load at which another passes", { { 600, 500 }, { 600, 0 } }, 1 },
  { "one that fails below a load that passes", { { 600, 500 }, { 800, 0 } }, 1 },
  { "one that fails above a load that passes", { { 600, 0 }, { 800, 500 } }, 0 },
  { "two that fail, one that passes", { { 600, 500 }, { 600, 0 }, { 600, 500 } }, 2 },
  { "a longer one that fails", { { 600, 500, 9 }, { 600, 0 } }, 0 },
  { "a shorter one that fails", { { 600, 200, 1 }, { 600, 0 } }, 1 },
  { "a difference that chance explains", { { 600, 15 }, { 600, 6 } }, 0 },
  { "a difference beyond chance", { { 600, 60 }, { 600, 6 } }, 1 },
  { "one in which all went well at first", { { 600, 500, 3, 0.5 }, { 600, 0 } }, 0 },
} do
  local what, trials, n = table.unpack(row)
  test(("%s: %d contradicted"):format(what, n), function()
    equal(#stability.contradictions(of(trials), GOAL), n)
  end)
end

test("what was set aside neither contradicts nor is contradicted", function()
  local e = of { { 600, 500 }, { 600, 0 } }
  e:trials(600)[2].aside = true
  equal(#stability.contradictions(e, GOAL), 0)
  e = of { { 600, 500 }, { 600, 0 } }
  e:trials(600)[1].aside = true
  equal(#stability.contradictions(e, GOAL), 0)
end)

test("trials that a rule broke without losses are no contradiction", function()
  local e = of { { 600, 0 }, { 600, 0 } }
  e:trials(600)[1].broken = "slow"
  equal(#stability.contradictions(e, GOAL), 0)
end)

test("1,000 loads of 1 % chance losses are not told as unstable", function()
  math.randomseed(3)
  local wrong = 0
  for _ = 1, 1000 do
    local trials = {}
    for i = 1, 6 do
      local misses = 0
      for _ = 1, 900 do
        misses = misses + (math.random() < 0.01 and 1 or 0)
      end
      trials[i] = { 300, misses }
    end
    wrong = wrong + #stability.contradictions(of(trials), GOAL)
  end
  assert(wrong <= 2, wrong)
end)

local function class_of(goal, low, high)
  local trials = {}
  for i = 1, low + high do
    trials[i] = { length = goal.final, high = i > low }
  end
  return classify.load(classify.seconds(trials, goal), goal)
end

test("the stable goal takes many short trials, and not one of high loss", function()
  local goal = stability.goal(GOAL)
  equal(goal.final, 1)
  equal(goal.exceed, 0)
  equal(goal.losses_only, true)
  equal(class_of(goal, 18, 0), "undecided")
  equal(class_of(goal, 19, 0), "lower")
  equal(class_of(goal, 30, 1), "upper")
  equal(class_of(goal, 0, 1), "upper")
end)

test("its trials are no shorter than a second, unless all are", function()
  equal(stability.goal({ first_final = 1.5, loss = 0.005, width = 0.01 }).final, 1)
  equal(stability.goal({ first_final = 0.3, loss = 0.005, width = 0.01 }).final, 0.3)
  equal(stability.goal({ first_final = 30, loss = 0.005, width = 0.01 }).final, 10)
end)

test("it keeps to the first trials' length, where a burst made the goal's longer", function()
  local grown = setmetatable({ final = 20, sum = 20 }, { __index = GOAL })
  equal(stability.goal(grown).final, 1)
  equal(stability.goal(grown).sum, stability.goal(GOAL).sum)
end)

-- A trial of 4 s at 200/s on a device that is out at these times.
local function trial_of(device)
  return sim.play(function()
    return tspam.run { host = "192.0.2.1", rate = 200, length = 4, interval = 0.2, timeout = 0.9 }
  end, device).values[1]
end

test("an outage within a trial is told with its times", function()
  for _, row in ipairs { { 0, 1.5 }, { 1, 2.2 }, { 1.3, 3.1 }, { 2, 9 } } do
    local from, to = table.unpack(row)
    local got_from, got_to = stability.outage(trial_of { outage = { from = from, to = to } })
    assert(math.abs(got_from - from) < 0.1, got_from)
    assert(math.abs(got_to - math.min(to, 4)) < 0.1, got_to)
  end
end)

-- what; the device
for _, row in ipairs {
  { "a trial in which all is well", {} },
  { "a trial in which nothing got through at all", { outage = { from = 0, to = 9 } } },
  { "a limit of the rate", { bucket = { rate = 100, burst = 10 } } },
  { "a trial that loses a third by chance", { loss = 0.3 } },
  { "an outage that does not explain all failures", { outage = { from = 1, to = 2 }, loss = 0.2 } },
} do
  test(row[1] .. " is no outage", function()
    equal(stability.outage(trial_of(row[2])), nil)
  end)
end

return t.finish()
