-- The experiment that tells a full table from an outage, on devices of known truth.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local table_device = require "table_device"
local full_table = require "tspam.full_table"
local test, equal, near, contains = t.test, t.equal, table_device.near, t.contains
local REFUSALS <const> = table_device.REFUSALS

-- A run that showed something, and what the experiment makes of it. -> verdict, device
local function examined(spec, rate, length, changes)
  local simulated = table_device.new(spec)
  local device = table_device.device(simulated)
  local shown = full_table.seen(simulated:run { rate = rate, length = length,
    interval = length / 20 })
  assert(shown, "nothing was seen")
  for name, value in pairs(changes or {}) do
    device[name] = value
  end
  return full_table.examine(device, shown), simulated
end

for _, refuses in ipairs(REFUSALS) do
  test("a table that answers " .. refuses .. " is told by its second count", function()
    local verdict = examined({ entries = { size = 700, ttl = 12 }, refuses = refuses }, 300, 4)
    equal(verdict.kind, "state")
    equal(verdict.entries, 700)
    near(verdict.lifetime, 12, 0.15)
    near(verdict.sustained, 700 / verdict.lifetime, 1e-9)
    equal(verdict.outage, nil)
  end)
end

test("one to three of a hundred that are lost keep no table from being told", function()
  for seed = 1, 20 do
    local verdict = examined({ loss = seed % 3 / 100 + 0.01, seed = seed,
      entries = { size = 1000, ttl = 15 } }, 500, 4)
    equal(verdict.kind, "state")
    near(verdict.entries, 1000, 10)
    near(verdict.lifetime, 15, 0.6)
  end
end)

test("an outage in the run is none of the target's tables, whenever and however long", function()
  for i = 1, 24 do
    for _, lasts in ipairs { 2, 10 } do
      local from = 0.5 + 0.4 * i
      local verdict = examined({ outage = { from, from + lasts } }, 200, from + 1.5)
      equal(verdict.kind, "outage")
      near(verdict.from, from, 0.02)
      assert(verdict.to >= from + lasts and verdict.to < from + lasts + 1.2, verdict.to)
    end
  end
end)

test("an outage on the way to a full table is told beside the table", function()
  local spec = { entries = { size = 1200, ttl = 10 }, outage = { 2, 6 } }
  local verdict = examined(spec, 500, 3)
  equal(verdict.kind, "state")
  near(verdict.entries, 1200, 10) -- a few of the probes were left
  near(verdict.lifetime, 10, 0.15)
  near(verdict.outage.from, 2, 0.01)
  near(verdict.outage.to, 6, 0.15)
end)

test("an outage when a table is half full does not make its half the count", function()
  for _, lasts in ipairs { 2, 2.5 } do
    for size = 1960, 2060, 10 do
      local verdict = examined({ entries = { size = size, ttl = 30 }, outage = { 2, 2 + lasts } },
        500, 3)
      assert(verdict.kind ~= "state" or math.abs(verdict.entries - size) < 0.03 * size,
        verdict.entries)
    end
  end
end)

test("a table that stays full for longer than an outage lasts is not looked at again", function()
  local _, simulated = examined({ entries = { size = 700, ttl = 40 } }, 300, 4)
  equal(#simulated.runs, 3)
end)

test("an outage in any trial of an experiment makes no wrong claim", function()
  for i = 0, 60 do
    for _, lasts in ipairs { 2, 10 } do
      local verdict = examined({ entries = { size = 700, ttl = 12 },
        outage = { 3.8 + i / 2, 3.8 + i / 2 + lasts } }, 300, 3.7)
      if verdict.kind == "state" then
        near(verdict.entries, 700, 7)
        assert(not verdict.lifetime or math.abs(verdict.lifetime - 12) < lasts + 0.5,
          verdict.lifetime)
      else
        equal(verdict.kind, "unclear")
      end
    end
  end
end)

test("a table that is flushed before each run has its count, and no lifetime", function()
  for _, refuses in ipairs(REFUSALS) do
    local verdict, simulated = examined({ entries = { size = 900 }, flushed = true,
      refuses = refuses }, 500, 3)
    equal(verdict.kind, "state")
    equal(verdict.entries, 900)
    equal(verdict.lifetime, nil)
    assert(simulated.time < 10, simulated.time)
  end
end)

test("a limit of what is open at once gives back at the end, and has its count", function()
  local simulated = table_device.new { entries = { size = 400, ttl = 0, lives = "closed" } }
  local device = table_device.device(simulated)
  function device.fill(load)
    load.hold = 60
    return simulated:run(load)
  end
  local shown = full_table.seen(simulated:run { rate = 200, length = 3, hold = 60 })
  simulated.aging, simulated.used, simulated.head = {}, 0, 1 -- all are closed
  local verdict = full_table.examine(device, shown)
  equal(verdict.kind, "state")
  equal(verdict.entries, 400)
end)

test("a table that earlier runs had filled in part is counted twice from empty", function()
  for _, in_all in ipairs { 900, 2000 } do -- where more were made, many had aged already
    local simulated = table_device.new { entries = { size = 900, ttl = 25 } }
    simulated:run { rate = 100, length = 4 }
    local began = simulated.time
    local shown = full_table.seen(simulated:run { rate = 200, length = 4, interval = 0.2 })
    equal(shown.connections, 500)
    shown.began, shown.in_all = began, in_all
    local verdict = full_table.examine(table_device.device(simulated), shown)
    equal(verdict.kind, "state")
    equal(verdict.entries, 900)
    near(verdict.lifetime, 25, 0.2)
    equal(verdict.outage, nil)
  end
end)

test("the second count is at another rate, and only as long as it takes", function()
  local _, simulated = examined({ entries = { size = 700, ttl = 12 } }, 300, 4)
  equal(#simulated.runs, 4)
  near(simulated.runs[3].rate, 200, 1e-9)
  assert(simulated.runs[3].length < 6, simulated.runs[3].length)
  -- Where entries live little longer than it takes to fill the table, it is a faster one.
  _, simulated = examined({ entries = { size = 700, ttl = 3 } }, 300, 2.9)
  near(simulated.runs[3].rate, 450, 1e-9)
end)

test("a target that stays silent is waited for so long, and may be full or dead", function()
  for _, spec in ipairs { { dies = 2 }, { entries = { size = 600 } } } do
    local verdict = examined(spec, 300, 4, { patience = 40 })
    equal(verdict.kind, "silent")
    near(verdict.waited, 40, 1)
  end
end)

test("who interrupts it, or what the machine refuses, ends it", function()
  local spec = { entries = { size = 700, ttl = 12 } }
  equal(examined(spec, 300, 4, { wait = function() return false end }).kind, "interrupted")
  equal(examined(spec, 300, 4, { run = function() return { interrupted = true } end }).kind,
    "interrupted")
  local verdict = examined(spec, 300, 4, { run = function() return nil, "no memory" end })
  equal(verdict.kind, "error")
  equal(verdict.message, "no memory")
end)

test("what would take too long to count again is not counted", function()
  local verdict = examined({ outage = { 900, 902 } }, 200, 901.5)
  equal(verdict.kind, "unclear")
  contains(verdict.reason, "to count up to 180,000 once more takes ")
end)

test("a person is told what is waited for", function()
  local said, waits, shown = {}, {}, {}
  examined({ entries = { size = 700, ttl = 12 } }, 300, 4, {
    say = function(text, ...) said[#said + 1] = text:format(...) end,
    waiting = function(what, waited, most) shown[#shown + 1] = { what, waited, most } end,
    wait = function(seconds, what) waits[#waits + 1] = { seconds, what } end })
  equal(shown[1][1], "the target to accept again")
  near(shown[1][2], 0.1, 1e-6)
  equal(shown[1][3], 60)
  assert(#shown > 50, #shown)
  equal(waits[1][2], "the target's entries to age")
  contains(said[1], "counting once more, at 200/s for ")
end)

return t.finish()
