-- When a target that was full lets new connections in again.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local capacity = require "tspam.capacity"
local test, equal, contains = t.test, t.equal, t.contains

-- Two are started in each tenth of a second; answered: how many of them, at last all the time.
local function recovery(answered, most, interrupted)
  local answer, now = {}, 100
  capacity.recover(answer, function(length, on_interval)
    for i = 1, length * 10 do
      now = 100 + i / 10
      if not on_interval { started = 2, ok = answered[math.min(i, #answered)] } then
        break
      end
    end
    return { interrupted = interrupted }
  end, function() return now end, most)
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
  contains(capacity.sentence { connections = 1, survived = 1, limited_by = "target", reason = "x",
    waited = 21 }, "No new one was accepted for 21")
end)

return t.finish()
