-- The path's own losses: how they are known, and what they excuse.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
collectgarbage("generational")
local t = require "harness"
local evidence = require "tspam.search.evidence"
local sim = require "sim"
local test, equal, contains = t.test, t.equal, t.contains

local GOAL <const> = { final = 3, sum = 9, loss = 0.005, exceed = 0.5, width = 0.025,
  steady = true, first_final = 3 }

-- Adds a trial in which a share was missed -> that trial
local function add(e, rate, share, length)
  local n = math.floor(rate * (length or 3) + 0.5)
  local misses = math.floor(n * share + 0.5)
  local trial = { rate = rate, length = length or 3,
    figures = { n = n, misses = misses, loss = misses / n } }
  e:add(trial)
  return trial
end

-- Figures of n connections, of which a share was missed.
local function figures(n, share)
  return { n = n, misses = n * (share or 0), loss = share or 0 }
end

-- Evidence with a lowest load of so many seconds.
local function begun(seconds, share)
  local e = evidence.new { noise = 3 }
  add(e, 50, share or 0, seconds)
  e:set_lowest(50)
  return e
end

local function near(got, want)
  assert(math.abs(got - want) < 1e-9, ("got %s, want %s"):format(got, want))
end

test("the path's own share comes from the lowest load, and from all its trials", function()
  local e = begun(10, 0.02) -- 10 of 500
  near(e:own_share(), 0.02)
  add(e, 50, 0.04, 30) -- 60 of 1,500
  local own, known = e:own_share()
  near(own, 0.035)
  equal(known, 2000)
end)

test("trials at higher loads never raise what a trial may lose", function()
  local e = begun(40, 0.01)
  local before = e:allowed(figures(300, 0.02), GOAL)
  for rate = 100, 3200, 100 do
    add(e, rate, 0.012)
  end
  equal(e:own_share(), 0.01)
  equal(e:allowed(figures(300, 0.02), GOAL), before)
end)

test("a trial may lose the path's own share and the goal's, or what chance explains", function()
  local clean = begun(40)
  near(clean:allowed(figures(1e6), GOAL), 0.005)
  assert(clean:allowed(figures(100), GOAL) > 0.006, clean:allowed(figures(100), GOAL))
  local e = begun(40, 0.01) -- 20 of 2,000
  local share = (20 + 120) / (2000 + 4000) -- of both, as two shares are compared
  near(e:allowed(figures(4000, 0.03), GOAL),
    0.01 + 3 * math.sqrt(share * (1 - share) * (1 / 4000 + 1 / 2000)))
  near(e:allowed(figures(1e9), { loss = 0.05 }), 0.06)
end)

test("a path of which few connections are known is not held to what was seen of it", function()
  math.randomseed(11)
  local function misses(n, share)
    local k = 0
    for _ = 1, n do
      k = k + (math.random() < share and 1 or 0)
    end
    return k
  end
  local high = 0
  for _ = 1, 1000 do -- 3 % are lost on the path, whatever the load
    local e = begun(20, misses(1000, 0.03) / 1000)
    high = high + (e:high(add(e, 1000, misses(3000, 0.03) / 3000), GOAL) and 1 or 0)
  end
  assert(high <= 5, high) -- what is beyond 3 standard deviations: 1.35 in the mean
end)

test("a goal without a loss on a path without a loss allows none", function()
  local goal = { final = 3, sum = 3, loss = 0, exceed = 0, width = 0.025 }
  local e = begun()
  equal(e:allowed(figures(100), goal), 0)
  equal(e:high(add(e, 1000, 1 / 3000), goal), true)
  equal(e:high(add(e, 1000, 0), goal), false)
  assert(begun(40, 0.01):allowed(figures(100), goal) > 0.01)
end)

-- saturate of a device, a small search -> its answer, what sim.drive tells
local function find(device, words, seed)
  local arguments = { "--length", "3", "--no-calibrate", "--no-diagnose" }
  table.move(words, 1, #words, #arguments + 1, arguments)
  local o = sim.drive("saturate", device, arguments, { seed = seed })
  return o.document.answer, o
end

for _, percent in ipairs { 1, 2, 3 } do
  for _, again in ipairs { false, true } do
    test(("%d %% that are %s at any rate are no saturation, 8 of 8"):format(percent,
      again and "sent again" or "lost"), function()
      for seed = 1, 8 do
        local answer, o = find({ loss = percent / 100, retransmit = again, jitter = 0.1 },
          { "--max-rate", "1000" }, 10 * percent + seed)
        equal(answer.limited_by, "none found")
        equal(answer.rate, 1000)
        equal(o.status, 0)
      end
    end)
  end
end

test("a limit behind a lossy path is found, and the answer says what the path loses", function()
  for seed = 1, 6 do
    local answer, o = find({ bucket = { rate = 520, burst = 52 }, loss = 0.03, jitter = 0.1 }, {},
      seed)
    local truth = 520 / 0.97 -- what is lost before it takes no token
    assert(math.abs(answer.rate / truth - 1) < 0.04, answer.rate)
    equal(answer.limited_by, "target")
    assert(o.text:find("the path loses %d%.%d %% by itself, at the lowest rate"), o.text)
  end
end)

test("the path's own share is known of 2,000 connections, or it is said that they were fewer",
  function()
    local _, o = find({ loss = 0.03 }, { "--max-rate", "200" }, 1)
    assert(not o.text:find("(known of", 1, true), o.text)
    local fewer
    _, fewer = find({ loss = 0.03 }, { "--max-rate", "200", "--start", "20" }, 1)
    contains(fewer.text, "at the lowest rate (known of 900 connections only)")
  end)

return t.finish()
