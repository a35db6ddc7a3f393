-- The search on links that break off for a while, die, or are slow or full from the first.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local link = require "link"
local search = require "tspam.search"
local test, equal, contains, find = t.test, t.equal, t.contains, link.find

local function near(got, want, share)
  assert(got and math.abs(got / want - 1) <= share,
    ("got %s, want %s within %g%%"):format(got, want, 100 * share))
end

local function ordered(answer)
  local upper = answer.upper or math.huge
  assert(answer.lower <= answer.rate and answer.rate <= upper,
    ("%s: %s <= %s <= %s"):format(answer.reason, answer.lower, answer.rate, upper))
end

-- However long and whenever: the limit behind it is found all the same, or the search
-- says that it could not tell. wrong: most answers of the 140 that may be off.
for _, row in ipairs { { 1, 3 }, { 2, 3 }, { 4, 3 }, { 6, 3 } } do
  local seconds, most = table.unpack(row)
  test(("an outage of %g s that passes is not held against the target"):format(seconds), function()
    local wrong, worst = 0, 0
    for i = 0, 139 do
      local from = 4 + i / 2
      local outcome, answer = find { bucket = { rate = 300, burst = 30 }, seed = i + 1,
        outage = { from, from + seconds } }
      local off = outcome.conclusive and math.abs(answer.rate / 300 - 1) or 0
      wrong = wrong + (off > 0.05 and 1 or 0)
      worst = math.max(worst, off)
      assert(not answer.burst or not outcome.conclusive, answer.reason)
      ordered(answer)
    end
    assert(wrong <= most, ("%d wrong, the worst by %.0f%%"):format(wrong, 100 * worst))
  end)
end

test("a target that accepts and never answers is the limit, not a closed port", function()
  local outcome, answer = find { mute = true }
  equal(#outcome.trials, 1)
  equal(answer.limited_by, "target")
  equal(answer.rate, nil)
  equal(outcome.conclusive, false)
  contains(answer.reason, "already at the lowest rate, 50/s, 100.0% failed: timeout/reply 150")
  equal(answer.reason:find("listen"), nil)
end)

test("whenever a target dies, the interval is one", function()
  for i = 0, 180 do
    local _, answer = find { bucket = { rate = 300, burst = 30 }, dies = 4 + i / 2 }
    ordered(answer)
  end
end)

test("a target that is slow from the first is not saturated by that", function()
  for _, row in ipairs { { 1.5, 4 }, { 1, 3 }, { 0.3, 1 }, { 5, 2 } } do
    local _, answer = find({ base = row[1] }, { length = row[2], max_rate = 5000 })
    equal(answer.limited_by, "none found")
    equal(answer.rate, 5000)
  end
end)

test("a server that halts for a moment, again and again, is found all the same", function()
  for i = 1, 200 do
    local _, answer = find { server = { rate = 238, queue = 0.5 }, base = 4e-3, jitter = 0.05,
      seed = i, halts = { 7 + i / 50, 0.1 } }
    near(answer.rate, 238, 0.06)
  end
end)

test("a start above the limit is seen: half the rate fares better", function()
  for _, start in ipairs { 310, 315, 320, 330 } do
    local _, answer = find({ bucket = { rate = 300, burst = 30 } }, { start = start })
    near(answer.rate, 300, 0.03)
    assert(answer.lower <= 300 and 300 <= answer.upper)
  end
end)

test("what a bucket of half a minute gives once is not taken for its rate", function()
  local _, answer = find { bucket = { rate = 300, burst = 9000 } }
  assert(answer.lower <= 305, answer.lower)
  assert(answer.confirmed or answer.reason:find("no longer trial confirmed it", 1, true))
end)

test("a search that is given no clock ends, however long the target stays silent", function()
  local simulated, deadline = link.new { bucket = { rate = 300, burst = 30 }, dies = 10 },
    tspam.now() + 5
  local outcome = search(function(rate, length)
    assert(tspam.now() < deadline, "it goes on for ever")
    return simulated:trial(rate, length)
  end, { length = 1, recover = 0.05, wait = function() end })
  contains(outcome.answer.reason, "the target stopped answering")
end)

test("the caller's goals are the same after a search, so a second one is the same", function()
  local goals = { max_rate = 100, increment = 1.5, fixed_increment = true, max_trials = 60 }
  local function searched()
    local simulated = link.new {}
    return #search(function(rate, length) return simulated:trial(rate, length) end, goals).trials
  end
  local first = searched()
  equal(goals.max_trials, 60)
  equal(getmetatable(goals), nil)
  equal(searched(), first)
end)

return t.finish()
