-- One detector of full tables: what one run shows, on a device of known truth.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local table_device = require "table_device"
local full_table = require "tspam.full_table"
local test, equal, near = t.test, t.equal, table_device.near
local ran, REFUSALS <const> = table_device.ran, table_device.REFUSALS

local function seen(...)
  return full_table.seen(ran(...))
end

for _, refuses in ipairs(REFUSALS) do
  test("a full table is seen that answers " .. refuses, function()
    for _, row in ipairs { { 1500, 500, 4 }, { 90, 50, 3 }, { 900, 300, 3.2 }, { 10, 20, 4 } } do
      local entries, rate, length = table.unpack(row)
      local full = seen({ entries = { size = entries }, refuses = refuses }, rate, length)
      equal(full.connections, entries)
      near(full.time, entries / rate, 1e-6)
      equal(full.again, nil)
      equal(full.rate, rate)
    end
  end)
end

test("held connections that are let in do not hide that the others are refused", function()
  for _, refuses in ipairs { "timeout/connect", "refused/connect", "unreachable/connect" } do
    local full = seen({ entries = { size = 1700 }, refuses = refuses }, 500, 5,
      { hold = 60, interval = 0.25 })
    equal(full.connections, 1700)
  end
end)

test("a limit that lets a third through, or a twentieth, is no full table", function()
  for _, row in ipairs { { 160, 500 }, { 170, 500 }, { 180, 500 }, { 300, 1000 }, { 100, 2200 },
    { 25, 500 }, { 40, 1000 }, { 300, 5000 } } do
    local limit, rate = table.unpack(row)
    for _, burst in ipairs { limit / 10, limit, 2 * limit } do
      local spec = { bucket = { rate = limit, burst = burst } }
      equal(seen(spec, rate, 6), nil)
      equal(seen(spec, rate, 6, { hold = 60, interval = 0.25 }), nil)
    end
  end
end)

test("one to three of a hundred that are lost neither make a table nor hide one", function()
  for seed = 1, 20 do
    local lossy = { loss = seed % 3 / 100 + 0.01, seed = seed }
    equal(seen(lossy, 500, 4), nil)
    lossy.entries = { size = 1000 }
    local full = seen(lossy, 500, 4)
    near(full.connections, 1000, 5)
  end
end)

test("latency that climbs towards the first failure is a queue", function()
  local result = ran({ entries = { size = 1000 } }, 500, 4)
  for i, slice in ipairs(result.timeline) do
    slice.p50 = slice.p50 and 4e-3 * i
  end
  equal(full_table.seen(result), nil)
end)

test("what this machine ran out of, and held ones that broke, are no table", function()
  equal(seen({ entries = { size = 1000 }, refuses = "no-port/connect" }, 500, 4), nil)
  local closing = { entries = { size = 1000 }, refuses = "reset/reply" }
  equal(seen(closing, 500, 4, { hold = 60 }), nil)
end)

test("a run tells when new ones got through again, whichever way they were refused", function()
  for _, refuses in ipairs(REFUSALS) do
    for _, interval in ipairs { 0.25, 0.1, 1 } do
      local full = seen({ entries = { size = 1000, ttl = 15 }, refuses = refuses }, 300, 40,
        { interval = interval })
      equal(full.connections, 1000)
      near(full.again, 15, 0.02)
      near(full.after, 1000, 2)
    end
  end
end)

test("where a table fills again within the run, the run alone tells it and its lifetime", function()
  for _, refuses in ipairs(REFUSALS) do
    local verdict = full_table.within(ran({ entries = { size = 1000, ttl = 15 },
      refuses = refuses }, 300, 32, { interval = 0.25 }))
    equal(verdict.kind, "state")
    equal(verdict.entries, 1000)
    near(verdict.lifetime, 15, 0.02)
    near(verdict.sustained, 1000 / 15, 0.1)
  end
  for _, length in ipairs { 18, 20, 29 } do -- not yet twice
    equal(full_table.within(ran({ entries = { size = 1000, ttl = 15 } }, 300, length)), nil)
  end
end)

test("an outage within a run is told with its times, whenever it comes", function()
  for i = 1, 40 do
    local from, lasts = 0.3 + 0.45 * i, i % 2 == 0 and 2 or 10
    local result = ran({ outage = { from, from + lasts } }, 200, 60, { interval = 0.25 })
    local verdict = full_table.within(result)
    equal(verdict.kind, "outage")
    near(verdict.from, from, 0.02)
    near(verdict.to, from + lasts, 0.02)
    equal(#full_table.gaps(result), 1)
  end
end)

test("an outage when a table is half full does not make a table of that half in the run", function()
  for size = 1900, 2100, 20 do
    local verdict = full_table.within(ran({ entries = { size = size, ttl = 60 },
      outage = { 5, 7 } }, 200, 60, { interval = 0.25 }))
    assert(not verdict or verdict.kind == "outage", size)
  end
end)

test("an outage before so many got through that they could be a table is a gap", function()
  local gaps = full_table.gaps(ran({ outage = { 0, 2 } }, 200, 20, { interval = 0.25 }))
  equal(#gaps, 1)
  near(gaps[1].from, 0, 0.01)
  near(gaps[1].to, 2, 0.02)
end)

test("what is answered late, but answered, is no gap", function()
  local result = ran({}, 200, 20, { interval = 0.25 })
  for i = 20, 27 do
    result.timeline[28].ok = result.timeline[28].ok + result.timeline[i].ok
    result.timeline[i].ok = 0
  end
  equal(#full_table.gaps(result), 0)
end)

return t.finish()
