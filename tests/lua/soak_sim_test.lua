-- The shipped soak on simulated devices of known truth: no state that is none, every outage.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local sim = require "sim"
local near = require("table_device").near
local test, equal, contains = t.test, t.equal, t.contains

local SEEDS <const> = 12
local REFUSALS <const> = { "drop", "rst", "icmp" }

-- -> the answer, and all that was said
local function soak(device, words, seed)
  local o = sim.drive("soak", device, words, { seed = seed })
  assert(o.status == 0 or o.status == 3 or o.status == 4, o.err)
  return o.document.answer, o
end

test("an outage of 2 s or 10 s is told from when to when, and is no state capacity", function()
  for seed = 1, 24 do
    for _, lasts in ipairs { 2, 10 } do
      local from = 0.3 + 2.45 * seed
      local answer, o = soak({ outage = { from = from, to = from + lasts } },
        { "-r", "200", "-l", "60" }, seed)
      equal(answer.state_capacity, nil)
      equal(answer.sustainable, nil)
      equal(#answer.outages, 1)
      near(answer.outages[1].from, from, 0.05)
      if answer.outages[1].to then -- to a slot of the simulation, or of the waiting
        near(answer.outages[1].to, from + lasts, from + lasts > 59 and 1.5 or 0.3)
      end
      contains(o.text, "Outage: (nearly) nothing got through from t = ")
    end
  end
end)

for _, refuse in ipairs(REFUSALS) do
  test("a table that fills again in the run and answers by " .. refuse .. " is named", function()
    for seed = 1, SEEDS do
      local entries, ttl = 300 + 37 * seed, 9 + seed / 4
      local answer, o = soak({ entries = { size = entries, ttl = ttl, refuse = refuse } },
        { "-r", "200", "-l", "40" }, seed)
      near(answer.state_capacity, entries, 0.01 * entries)
      near(answer.lifetime, ttl, 0.05)
      near(answer.sustainable, entries / ttl, 0.02 * entries / ttl)
      equal(#answer.outages, 0)
      equal(o.runs, 1)
    end
  end)
  test("a table that answers by " .. refuse .. " is counted once more after a short run",
    function()
      for seed = 1, SEEDS do
        local entries, ttl = 300 + 37 * seed, 15 + seed / 2
        local answer, o = soak({ entries = { size = entries, ttl = ttl, refuse = refuse } },
          { "-r", "300", "-l", "8" }, seed)
        near(answer.state_capacity, entries, 0.01 * entries)
        near(answer.lifetime, ttl, 0.2)
        equal(#answer.outages, 0)
        equal(o.runs, 4)
      end
    end)
end

-- Nobody can see that a table gives back entries while nothing gets through.
test("with an outage on top a table's count is right or not told, and no rate too high", function()
  for seed = 1, 24 do
    local from, lasts = 0.4 * seed, seed % 2 == 0 and 2 or 10
    local answer = soak({ entries = { size = 1000, ttl = 12 },
      outage = { from = from, to = from + lasts } }, { "-r", "200", "-l", "20" }, seed)
    if answer.state_capacity then
      near(answer.state_capacity, 1000, 31)
    end
    assert((answer.sustainable or 0) < 1.04 * 1000 / 12, answer.sustainable)
  end
end)

test("a bucket, loss, and a table that forgets the oldest are no state, nor an outage", function()
  for seed = 1, SEEDS do
    for _, device in ipairs { { bucket = { rate = 150 + seed, burst = 20 * seed } },
      { bucket = { rate = 30, burst = 30 }, refuse = "rst" }, { loss = 0.01 * (1 + seed % 3) },
      { entries = { size = 500, ttl = 100, evict = true } } } do
      local answer = soak(device, { "-r", "500", "-l", "10" }, seed)
      equal(answer.state_capacity, nil)
      equal(answer.state_unknown, nil)
      equal(#answer.outages, 0)
    end
  end
end)

test("a target that dies is waited for so long, and is full or dead", function()
  for seed = 1, SEEDS do
    local answer, o = soak({ dies = 0.3 * seed }, { "-r", "200", "-l", "10", "--patience", "30" },
      seed)
    equal(answer.state_capacity, nil)
    equal(answer.outages[1].to, nil)
    contains(answer.state_unknown, "it is full, or dead")
    contains(o.text, "got through from t = ")
    assert(o.seconds < 45, o.seconds)
  end
end)

test("who wants no second count waits for none, and a signal ends it", function()
  local device = { entries = { size = 1000, ttl = 12 } }
  local words = { "-r", "300", "-l", "8" }
  local o = sim.drive("soak", device, words, { interrupt_at = 10 })
  equal(o.status, 130)
  equal(o.document.answer.state_capacity, nil)
  contains(o.document.answer.state_unknown, "interrupted")
  words[5], words[6] = "--patience", "0"
  local answer
  answer, o = soak(device, words)
  equal(o.runs, 1)
  equal(answer.state_capacity, nil)
  contains(answer.state_unknown, "after 1,000 connections, at t = 3.33 s, new ones began to fail")
end)

test("a clean soak of 300,000 passes", function()
  local answer, o = soak({}, { "-r", "5k", "-l", "60" })
  equal(answer.pass, true)
  equal(o.status, 0)
end)

return t.finish()
