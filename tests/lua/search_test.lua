-- The search of the shipped saturate on simulated devices whose truth is known. (More of them,
-- with many seeds each: devices_test.)
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
collectgarbage("generational")
local t = require "harness"
local sim = require "sim"
local test, equal, contains = t.test, t.equal, t.contains

-- saturate of a device -> its answer, what sim.drive tells
local function find(device, words, seed)
  local arguments = { "--length", "3", "--no-calibrate", "--no-diagnose" }
  table.move(words or {}, 1, #(words or {}), #arguments + 1, arguments)
  local o = sim.drive("saturate", device, arguments, { seed = seed })
  return o.document.answer, o
end

local function near(got, want, share)
  assert(got and math.abs(got / want - 1) <= share,
    ("got %s, want %s within %g%%"):format(got, want, 100 * share))
end

local function bracketed(answer)
  assert(answer.lower <= answer.rate and answer.rate <= answer.upper, answer.reason)
end

-- What limits, the device, the truth, how near the answer must be.
local truths = {
  { "a token bucket", { bucket = { rate = 300, burst = 30 } }, 300, 0.01 },
  { "a bucket that refuses by RST", { bucket = { rate = 300, burst = 30, refuse = "rst" } }, 300,
    0.01 },
  { "a bucket with a burst of a second", { bucket = { rate = 300, burst = 300 } }, 300, 0.01 },
  { "a bucket with a burst of two seconds", { bucket = { rate = 300, burst = 600 } }, 300, 0.01 },
  { "a limit of open connections", { open = { most = 20 }, base = 0.1 }, 200, 0.03 },
  { "a slow server", { server = { seconds = 1 / 178 } }, 178, 0.03 },
  { "a fast server", { server = { seconds = 1 / 17800, queue = 0.2 } }, 17800, 0.03 },
  { "a table that ages within a trial", { entries = { size = 300, ttl = 1 } }, 300, 0.05 },
  { "a bucket before a jittery server", { bucket = { rate = 900, burst = 90 }, jitter = 0.9,
    server = { seconds = 1 / 5000, queue = 1 } }, 900, 0.03 },
}
for _, row in ipairs(truths) do
  test(("%s of %g/s is found and is the target's"):format(row[1], row[3]), function()
    local answer, o = find(row[2])
    near(answer.rate, row[3], row[4])
    bracketed(answer)
    equal(answer.limited_by, "target")
    equal(answer.confirmed, true)
    equal(answer.unfinished, false)
    equal(o.status, 0)
    assert(o.seconds < 150, o.seconds)
  end)
end

test("a queue is named as the reason, and failures by their cause and share", function()
  contains(find { server = { seconds = 1 / 178 } }.reason, "a queue grows")
  local _, o = find { bucket = { rate = 300, burst = 30 } }
  assert(o.text:find("%d %% lost %(mostly timeout/connect%); the goal is 0%.5 %%"), o.text)
end)

test("a burst that needed longer trials is told", function()
  local _, o = find { bucket = { rate = 300, burst = 600 } }
  contains(o.text, "trials of 20 s were needed to use up a burst of 4")
end)

-- "50 75 112.5": the rates that were tried, until one came again
local function steps(o)
  local list, seen = {}, {}
  for _, trial in ipairs(o.document.trials) do
    if seen[trial.rate] then
      break
    end
    seen[trial.rate] = true
    list[#list + 1] = ("%g"):format(trial.rate)
  end
  return table.concat(list, " ")
end

test("20,000/s is reached in a dozen trials, and no limit is found there", function()
  local answer, o = find({}, { "--max-rate", "20000" })
  local _, climbed = steps(o):gsub("%S+", "")
  assert(climbed <= 12, steps(o))
  equal(answer.rate, 20000)
  equal(answer.upper, nil)
  equal(answer.limited_by, "none found")
  contains(o.text, "\nNo limit found up to 20.0k/s (--max-rate). Confirmed by a longer trial.\n")
end)

test("an increment that the user fixed is not widened", function()
  local _, o = find({}, { "--max-rate", "150", "--increment", "1.5" })
  equal(steps(o), "50 75 112.5 150")
end)

test("a small increment that the user fixed reaches the limit", function()
  near(find({ bucket = { rate = 2000, burst = 200 } }, { "--increment", "1.03" }).rate, 2000, 0.03)
end)

-- start, limit
for _, row in ipairs {
  { 1000, 300 }, { 310, 300 }, { 330, 300 }, { 20000, 45 }, { 50, 20 }, { 50, 5 },
} do
  local start, limit = row[1], row[2]
  test(("a start of %d/s above a limit of %d/s goes down to it"):format(start, limit), function()
    local answer, o = find({ bucket = { rate = limit, burst = 5 } }, { "--start", tostring(start) })
    near(answer.rate, limit, 0.03)
    bracketed(answer)
    equal(answer.limited_by, "target")
    equal(o.status, 0)
  end)
end

-- limit, burst
for _, row in ipairs { { 47, 4 }, { 44, 26 }, { 40, 80 }, { 36, 72 } } do
  local limit, burst = row[1], row[2]
  local title = ("a burst of %d that carries the start, 50/s, over a limit of %d/s hides it not")
  test(title:format(burst, limit), function()
    local answer, o = find { bucket = { rate = limit, burst = burst } }
    near(answer.rate, limit, 0.03)
    bracketed(answer)
    equal(o.status, 0)
  end)
end

test("a queue, or a limit of open ones, below the start is found as well", function()
  near(find({ server = { seconds = 1 / 178, queue = 0.3 } }, { "--start", "1000" }).rate, 178, 0.03)
  near(find({ open = { most = 20 }, base = 0.1 }, { "--start", "1000" }).rate, 200, 0.03)
end)

test("16 noisy searches: the truth lies in the interval in 95 %", function()
  local inside = 0
  for seed = 1, 16 do
    local truth = 60 + seed * 7919 % 4000
    local answer = find({ bucket = { rate = truth, burst = truth / 10 }, jitter = 0.3,
      generator = { late = 0.02 } }, {}, seed)
    bracketed(answer)
    -- A load of which the goal's share is lost passes.
    local within = answer.lower <= truth / (1 - 0.005) and truth <= answer.upper
    inside = inside + (within and 1 or 0)
  end
  assert(inside >= 15, inside)
end)

test("12 searches for a slow server: the truth lies in the interval", function()
  local inside = 0
  for seed = 1, 12 do
    local truth = 60 + seed * 7919 % 9000
    local answer = find({ server = { seconds = 1 / truth, queue = 1 }, jitter = 0.5, loss = 0.002,
      retransmit = true }, {}, seed)
    inside = inside + (answer.lower <= truth and truth <= answer.upper and 1 or 0)
  end
  equal(inside, 12)
end)

test("noise, hiccups and stalls of this machine are no saturation, 12 of 12", function()
  for seed = 1, 12 do
    local answer = find({ jitter = 0.9, base = 3e-4, generator = { late = 0.2 },
      hiccup = { chance = 0.1 } }, { "--max-rate", "3000" }, seed)
    assert(answer.limited_by ~= "target", answer.reason)
  end
end)

test("a target whose latency climbs with the load is answered where the median has doubled",
  function()
    near(find { knee = { rate = 1000 } }.rate, 520, 0.05) -- 4 ms / (1 - 0.52), 1 ms is noise
    near(find({ knee = { rate = 1000 } }, { "--slowdown", "4" }).rate, 750, 0.05)
  end)

test("the generator's ceiling is its own, whatever the target might carry", function()
  local answer, o = find { generator = { ceiling = 8000 } }
  equal(answer.limited_by, "generator")
  equal(o.status, 4)
  near(answer.rate, 8000, 0.11)
  contains(answer.reason, "late starts")
  contains(o.text, "this generator's limit, not the target's")
end)

test("a target's limit below a step that this machine could not make is found", function()
  local answer = find { generator = { ceiling = 8000 }, bucket = { rate = 7000, burst = 700 } }
  equal(answer.limited_by, "target")
  near(answer.rate, 7000, 0.03)
end)

test("running out of source ports is never the target's, whenever they run out", function()
  for _, count in ipairs { 200, 500, 1000, 1500, 5000 } do
    local answer, o = find { generator = { ports = { count = count } } }
    equal(answer.limited_by, "own ports")
    equal(o.status, 4)
    for _, trial in ipairs(o.document.trials) do
      assert(trial.trial ~= "fail", trial.why)
    end
  end
end)

test("where this machine's limit comes at a load that passed before, that is the end", function()
  local answer, o = find { generator = { ports = { count = 500 } } }
  equal(answer.rate, 100)
  equal(answer.upper, nil)
  contains(o.text, "\n100/s: this machine's limit (own ports), not the target's; inconclusive at "
    .. "100/s: ")
end)

test("unstable is an answer: the highest rate at which no trial is bad", function()
  for seed = 1, 3 do
    local answer, o = find({ unstable = { above = 500, kind = "alternate" } }, {}, seed)
    near(answer.unstable_above, 500, 0.06)
    equal(answer.rate, answer.unstable_above)
    equal(answer.limited_by, "target")
    equal(o.status, 0)
    local lossy, n = o.text:match("is the highest stable rate: trials disagree above it: "
      .. "at [%d.,k]+/s (%d+) of (%d+) trials lost more than the goal, the others did not%.")
    assert(lossy and tonumber(lossy) < tonumber(n), o.text)
  end
end)

test("where half of the trials are bad by chance, the answer is the rate above which they are",
  function()
    for seed = 1, 3 do
      near(find({ unstable = { above = 500, kind = "random" } }, {}, seed).rate, 500, 0.06)
    end
  end)

test("--goal may be repeated: each has its line and its bounds, the first one is the answer",
  function()
    local answer, o = find({ bucket = { rate = 300, burst = 3 } },
      { "--goal", "6/12/0.5%/50%/2.5%", "--goal", "tst009", "--precision", "5%" })
    near(answer.rate, 300, 0.03)
    for i, row in ipairs { { "6/12/0.5%/50%/2.5%", 0.025 }, { "tst009", 0.05 } } do
      local name, width = table.unpack(row)
      local goal = answer.goals[i]
      equal(goal.name, name)
      equal(goal.width, width)
      assert(goal.lower < goal.upper and goal.upper <= goal.lower * (1 + width) * (1 + 1e-9))
      contains(o.text, "\nGoal " .. name .. ": lower bound ")
    end
    equal(o.text:find("longer trial", 1, true), nil)
    equal(o.status, 0)
  end)

test("where the loss grows slowly, the answer is where it is the goal: half to twice", function()
  for seed = 1, 2 do
    local linear = find({ frog = { at = 20000, loss = 0.05 } }, {}, seed)
    assert(linear.unstable_above or linear.rate >= 1000 and linear.rate <= 4000, linear.rate)
    local slow = find({ frog = { per_doubling = 0.005, from = 100 } }, {}, seed)
    assert(slow.unstable_above or slow.rate >= 141 and slow.rate <= 400, slow.rate)
  end
end)

return t.finish()
