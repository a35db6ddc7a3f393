-- The search on a simulated link whose truth is known.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local link = require "link"
local search = require "tspam.search"
local test, equal, contains = t.test, t.equal, t.contains

local find = link.find

local function near(got, want, share)
  assert(got and math.abs(got / want - 1) <= share,
    ("got %s, want %s within %g%%"):format(got, want, 100 * share))
end

local function bracketed(answer)
  assert(answer.lower <= answer.rate and answer.rate <= answer.upper, answer.reason)
end

-- What limits, its spec, the truth, how near the answer must be.
local truths = {
  { "a token bucket", { bucket = { rate = 300, burst = 30 } }, 300, 0.02 },
  -- What the burst of a second adds to a trial of 9 s passes for rate.
  { "a bucket with a burst of a second", { bucket = { rate = 300, burst = 300 } }, 300, 0.12 },
  { "a bucket behind 3 % loss", { bucket = { rate = 520, burst = 52 }, loss = 0.03 }, 520, 0.04 },
  { "a limit of open connections", { limit = { most = 20, hold = 0.1 } }, 200, 0.03 },
  { "a slow server", { server = { rate = 178, queue = 5 } }, 178, 0.03 },
  { "a fast server", { server = { rate = 17800, queue = 0.2 } }, 17800, 0.03 },
  { "a table that ages within a trial",
    { entries = { size = 600, ttl = 2 }, pause = 3 }, 300, 0.05 },
  { "a bucket before a jittery server", { bucket = { rate = 900, burst = 90 }, jitter = 1,
    server = { rate = 5000, queue = 1 } }, 900, 0.03 },
}
for _, row in ipairs(truths) do
  test(("%s of %g/s is found and is the target's"):format(row[1], row[3]), function()
    local outcome, answer = find(row[2])
    near(answer.rate, row[3], row[4])
    bracketed(answer)
    equal(answer.limited_by, "target")
    equal(answer.confirmed, true)
    equal(outcome.conclusive, true)
  end)
end

test("a queue is named as the reason, and failures by their cause", function()
  local _, queue = find { server = { rate = 178, queue = 5 } }
  contains(queue.reason, "a queue grows")
  local _, bucket = find { bucket = { rate = 300, burst = 30 } }
  contains(bucket.reason, "timeout/connect")
end)

test("20,000/s is reached in a dozen trials", function()
  local outcome = find({}, { max_rate = 20000 })
  assert(#outcome.trials <= 13, #outcome.trials) -- the last confirms
  equal(outcome.answer.rate, 20000)
  equal(outcome.answer.limited_by, "none found")
  contains(outcome.answer.reason, "no limit found up to 20.0k/s")
end)

test("an increment that the user fixed is not widened", function()
  local outcome = find({}, { max_rate = 150, increment = 1.5, fixed_increment = true })
  local rates = {}
  for i, entry in ipairs(outcome.trials) do
    rates[i] = ("%g"):format(entry.rate)
  end
  equal(table.concat(rates, " "), "50 75 112.5 150 150")
end)

test("1,000 noisy searches: the truth lies in the interval in 95 % and more", function()
  local inside, most = 0, 0
  for seed = 1, 1000 do
    local truth = 60 + seed * 7919 % 4000
    local outcome, answer = find { bucket = { rate = truth, burst = truth / 10 },
      loss = seed % 4 * 0.01, jitter = 0.3, stall = 0.02, seed = seed }
    bracketed(answer)
    inside = inside + (answer.lower <= truth and truth <= answer.upper and 1 or 0)
    most = math.max(most, #outcome.trials)
  end
  assert(inside >= 950, inside)
  assert(most <= 40, most)
end)

test("500 searches for a slow server: the truth lies in the interval in 95 %", function()
  local inside = 0
  for seed = 1, 500 do
    local truth = 60 + seed * 7919 % 9000
    local _, answer = find { server = { rate = truth, queue = 1 }, jitter = 0.5, loss = 0.002,
      retransmit = true, seed = seed }
    inside = inside + (answer.lower <= truth and truth <= answer.upper and 1 or 0)
  end
  assert(inside >= 475, inside)
end)

test("loss alone is no saturation: under 1 in 200 of 1,000 searches", function()
  local wrong = 0
  for seed = 1, 1000 do
    local _, answer = find({ loss = 0.03, retransmit = seed % 2 == 0, seed = seed },
      { max_rate = 1000 })
    wrong = wrong + (answer.limited_by == "none found" and 0 or 1)
  end
  assert(wrong <= 5, wrong)
end)

test("noise and stalls of this machine are no saturation, 300 of 300", function()
  for seed = 1, 300 do
    local _, answer = find({ jitter = 2, base = 3e-4, stall = 0.2, seed = seed },
      { max_rate = 3000 })
    assert(answer.limited_by ~= "target", answer.reason)
  end
end)

test("the generator's ceiling is its own, whatever the target might carry", function()
  local outcome, answer = find { ceiling = 8000 }
  equal(answer.limited_by, "generator")
  equal(outcome.conclusive, false)
  near(answer.rate, 8000, 0.11)
  contains(answer.reason, "late starts")
end)

test("a target's limit below a step that this machine could not make is found", function()
  local _, answer = find { ceiling = 8000, bucket = { rate = 7000, burst = 700 } }
  equal(answer.limited_by, "target")
  near(answer.rate, 7000, 0.03)
end)

test("running out of source ports is never the target's", function()
  local outcome, answer = find { ports = 500 }
  equal(answer.limited_by, "own ports")
  equal(outcome.conclusive, false)
  for _, entry in ipairs(outcome.trials) do
    assert(entry.trial ~= "fail", entry.why)
  end
end)

test("a baseline that fails ends the search at once, with the failures", function()
  local outcome, answer = find { bucket = { rate = 20, burst = 5 } }
  equal(#outcome.trials, 1)
  equal(outcome.trials[1].trial, "fail")
  contains(outcome.trials[1].why, "% failed: timeout/connect")
  equal(answer.rate, nil)
  equal(outcome.conclusive, false)
  contains(answer.reason, "already at the lowest rate, 50/s")
  contains(answer.reason, "timeout/connect")
  equal(answer.limited_by, "none found")
end)

test("a target that dies ends the search within two trials", function()
  local outcome, answer = find { dies = 8 }
  local _, amid = find { dies = 9 }
  contains(amid.reason, "or it died")
  local first
  for i, entry in ipairs(outcome.trials) do
    first = first or entry.trial == "fail" and i
  end
  assert(#outcome.trials - first <= 1, #outcome.trials)
  equal(outcome.conclusive, false)
  equal(answer.rate, outcome.trials[first - 1].rate)
  contains(answer.reason, "the target stopped answering")
end)

test("a baseline is made again while something is learned from it", function()
  local simulated, looks = link.new {}, 0
  local outcome = search(function(rate, length) return simulated:trial(rate, length) end,
    { max_rate = 60, on_baseline = function()
      looks = looks + 1
      return looks < 3
    end })
  equal(looks, 3)
  equal(outcome.trials[3].rate, 50)
end)

test("a small increment that the user fixed reaches the limit", function()
  local _, answer = find({ bucket = { rate = 2000, burst = 200 } },
    { increment = 1.03, fixed_increment = true })
  near(answer.rate, 2000, 0.03)
end)

test("a full table that ages is named by its size within 1 %", function()
  local outcome, answer = find({ entries = { size = 2000, ttl = 120 } }, { recover = 200 })
  near(answer.burst.connections, 2000, 0.01)
  near(answer.burst.time, 2000 / outcome.trials[#outcome.trials].rate, 0.02)
  contains(answer.reason, "connections, then failure at t =")
  equal(answer.limited_by, "target")
  equal(answer.rate, nil) -- what passed filled the table too, only not yet
  equal(answer.lower, nil)
end)

test("where nobody waits for the table, all connections made are named", function()
  local _, answer = find({ entries = { size = 2000, ttl = 120 } }, { recover = 10 })
  equal(answer.burst.in_all, 2000)
end)

test("an interrupted search answers with what there is", function()
  local simulated, n = link.new {}, 0
  local outcome = search(function(rate, length)
    n = n + 1
    local result = simulated:trial(rate, length)
    result.interrupted = n == 4 or nil
    return result
  end, {})
  equal(#outcome.trials, 4)
  equal(outcome.answer.reason, "interrupted")
  equal(outcome.answer.unfinished, true)
  equal(outcome.answer.rate, outcome.trials[3].rate)
  equal(outcome.conclusive, false)
end)

test("an interrupt between two trials is no trial", function()
  local simulated, n = link.new {}, 0
  local outcome = search(function(rate, length)
    n = n + 1
    local result = simulated:trial(rate, length)
    if n == 3 then
      result.interrupted, result.started = true, 0
    end
    return result
  end, {})
  equal(#outcome.trials, 2)
end)

test("a trial that cannot run ends the search with its message", function()
  local outcome = search(function() return nil, "bind: no" end, {})
  equal(outcome.error, "bind: no")
end)

test("an invalid baseline is tried three times", function()
  local outcome, answer = find { stall = 1 }
  equal(#outcome.trials, 3)
  equal(answer.limited_by, "generator")
end)

test("a machine that something else keeps busy is given more time", function()
  local simulated, n = link.new {}, 0
  local outcome = search(function(rate, length)
    n = n + 1
    local result = simulated:trial(rate, length)
    result.cpu = { share = 0.02 }
    result.verdict = n <= 6 and "invalid" or "valid"
    result.reasons = n <= 6 and { { limit = "generator", text = "late" } } or {}
    return result
  end, { max_rate = 100, wait = function() end })
  equal(outcome.answer.limited_by, "none found")
  equal(outcome.answer.rate, 100)
end)

return t.finish()
