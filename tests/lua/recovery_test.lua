-- When a target that was full lets new connections in again.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local capacity = require "tspam.capacity"
local report = require "tspam.report.capacity"
local test, equal, contains = t.test, t.equal, t.contains

-- Two are started in each tenth of a second; answered: how many of them, at last all the time.
local function recovery(answered, most, interrupted)
  local answer, now = {}, 100
  capacity.recover(answer, { low = 20, patience = most, now = function() return now end,
    run = function(load)
      local begin, started, ok = now, 0, 0
      equal(load.rate, 20)
      for i = 1, math.floor(load.length * 10 + 0.5) do
        local good = answered[math.min(i, #answered)]
        now, started, ok = begin + i / 10, started + 2, ok + good
        if not load.on_interval { time = i / 10, started = 2, ok = good } then
          break
        end
      end
      return { interrupted = interrupted, started = started, ok = ok }
    end })
  return answer, now - 100
end

local function near(got, want)
  assert(math.abs(got - want) < 1e-6, got)
end

test("recovery is the time until new ones are answered, and go on being so", function()
  local answer, took = recovery({ 0, 0, 1, 2, 0, 0, 2 }, 60)
  near(answer.recovery, 0.7)
  near(took, 1.1)
  equal(answer.waited, nil)
end)

test("who is interrupted while waiting has not waited", function()
  local answer = recovery({ 0 }, 1, true)
  equal(answer.recovery, nil)
  equal(answer.waited, nil)
end)

test("a target that does not recover is waited for so long and no longer", function()
  local answer = recovery({ 0, 1 }, 20)
  equal(answer.recovery, nil)
  near(answer.waited, 20)
  contains(report.sentence { connections = 1, survived = 1, limited_by = "target", why = "x",
    waited = 21 }, "No new one was accepted for 21")
end)

return t.finish()
