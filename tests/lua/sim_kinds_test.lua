-- The simulated devices that are not plain: each behaves as its name says. And a simulated
-- result has the shape of a real one.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local judge = require "sim.judge"
local sim = require "sim"
local vary = require "sim.vary"
local tspam = require "tspam"
local test, equal = t.test, t.equal

-- One load after the other on one device -> their results, and what sim.play tells.
local function loads(device, specs, options)
  local results = {}
  local o = sim.play(function()
    for i, spec in ipairs(specs) do
      spec.host, spec.timeout, spec.length = "192.0.2.1", spec.timeout or 0.9, spec.length or 4
      results[i] = tspam.run(spec)
    end
  end, device, options)
  for _, r in ipairs(results) do
    equal(r.due, r.started + r.capped + r.not_started)
    equal(r.started, r.ok + r.failed + r.aborted)
  end
  return results, o
end

local function near(got, want, share)
  assert(math.abs(got - want) <= share * want, ("got %s, want %s"):format(got, want))
end

test("a frog loses by the logarithm of the rate, or in proportion to it", function()
  local rs = loads({ frog = { per_doubling = 0.002, from = 50 } },
    { { rate = 50, length = 20 }, { rate = 3200, length = 20 } })
  equal(rs[1].failed, 0)
  near(rs[2].failed / rs[2].started, 0.012, 0.2)
  rs = loads({ frog = { at = 20000, loss = 0.05 } }, { { rate = 20000 }, { rate = 2000 } })
  near(rs[1].failed / rs[1].started, 0.05, 0.1)
  near(rs[2].failed / rs[2].started, 0.005, 0.5)
end)

test("above its rate every other run of an unstable device is bad", function()
  local rs = loads({ unstable = { above = 500 } },
    { { rate = 400 }, { rate = 600 }, { rate = 600 }, { rate = 400 }, { rate = 600 } })
  equal(rs[1].failed + rs[4].failed, 0)
  local bad = { rs[2].failed > 0, rs[3].failed > 0, rs[5].failed > 0 }
  assert(bad[1] ~= bad[2] and bad[1] == bad[3])
  near(rs[2].failed + rs[3].failed, 0.3 * 2400, 0.15)
end)

test("the runs of a device that is unstable by chance are good or bad as a whole", function()
  local specs = {}
  for i = 1, 60 do
    specs[i] = { rate = 600, length = 1 }
  end
  local bad = 0
  for _, r in ipairs(loads({ unstable = { above = 500, kind = "random", share = 0.5 } }, specs)) do
    bad = bad + (r.failed > 200 and 1 or 0)
    assert(r.failed == 0 or r.failed > 200, r.failed)
  end
  assert(bad > 15 and bad < 45, bad)
end)

test("a path may send each connection again, or refuse a share of them", function()
  local r = loads({ retransmit_all = {} }, { { rate = 100 } })[1]
  equal(r.retransmitted_ok, 400)
  equal(r.failed, 0)
  r = loads({ fail_all = 0.25 }, { { rate = 1000 } })[1]
  near(r.failures["refused/connect"], 1000, 0.15)
end)

test("at a knee the latency is base / (1 - load), and beyond it a queue grows", function()
  local rs = loads({ knee = { rate = 1000 }, base = 0.004 },
    { { rate = 100 }, { rate = 500 }, { rate = 800 }, { rate = 1200 }, { rate = 100 } })
  for i, load in ipairs { 0.1, 0.5, 0.8 } do
    near(rs[i].latency:percentile(50), 0.004 / (1 - load), 0.03)
  end
  local line = rs[4].timeline
  assert(line[4].p50 > line[1].p50 + 0.4, line[4].p50)
  near(rs[5].latency:percentile(50), 0.0044, 0.05) -- after the time-outs of the one before
end)

test("in an outage nothing gets through, and after it all is as before", function()
  local r, o = loads({ outage = { from = 1, to = 2.5 } }, { { rate = 100, interval = 0.25 } })
  equal(r[1].ok, 250)
  equal(r[1].failures["timeout/connect"], 150)
  equal(r[1].first_failure.count, 100)
  near(o.seconds, 3.994, 0.001)
  local held = loads({ outage = { from = 3, to = 4 } },
    { { rate = 100, length = 1, hold = 2.9, timeout = 0.5 } })[1]
  near(held.failures["timeout/reply"], 50, 0.1) -- whose time was up before 4.0 s
  near(held.retransmitted_ok, 40, 0.1)
end)

test("a device dies for good, and an outage comes by chance", function()
  local rs = loads({ dies = 2 }, { { rate = 100 }, { rate = 100 } })
  equal(rs[1].ok, 200)
  equal(rs[2].ok, 0)
  local specs = {}
  for i = 1, 40 do
    specs[i] = { rate = 100 }
  end
  local _, o = loads({ outage = { seconds = 1, chance = 0.25 } }, specs)
  assert(o.device.outage.count > 3 and o.device.outage.count < 20, o.device.outage.count)
  near(o.device.refused, 100 * o.device.outage.count, 0.25)
end)

test("a generator that is late makes a run invalid, and so does one past its ceiling", function()
  local rs = loads({ generator = { late = 1 } }, { { rate = 100 } })
  equal(rs[1].verdict, "invalid")
  equal(rs[1].limited_by, "generator")
  equal(rs[1].reasons[1].what, "late starts")
  assert(rs[1].lag:percentile(99) > 0.01)
  rs = loads({ generator = { ceiling = 500 } }, { { rate = 400 }, { rate = 600 } })
  equal(rs[1].verdict, "valid")
  equal(rs[2].verdict, "invalid")
end)

test("ports that run out are this machine's", function()
  local r = loads({ generator = { ports = { count = 250, reuse = 60 } } }, { { rate = 100 } })[1]
  equal(r.failures["no-port/connect"], 150)
  equal(r.limited_by, "own ports")
end)

test("a hiccup lifts the median of one interval", function()
  local r = loads({ hiccup = { chance = 1, seconds = 0.05, lasts = 0.2 }, base = 0.004 },
    { { rate = 1000 } }, { seed = 5 })[1]
  local lifted = 0
  for i = 1, 4 do
    lifted = lifted + (r.timeline[i].p50 > 0.04 and 1 or 0)
  end
  near(r.latency:percentile(50), 0.004, 0.01)
  near(r.latency:count_between(0.04, 1), 800, 0.02)
  assert(lifted <= 1, lifted)
end)

-- The names and types of a table, sorted, tables within it too.
local function shape(value, skip, prefix, list)
  list = list or {}
  for name, item in pairs(value) do
    local path = prefix .. tostring(name)
    if not skip[path] then
      list[#list + 1] = path .. " " .. (math.type(item) or type(item))
      if type(item) == "table" then
        shape(item, skip, path .. ".", list)
      end
    end
  end
  table.sort(list)
  return list
end

test("a simulated result has the shape of a real one", function()
  local server <close> = assert(tspam.server { listen = "127.0.0.1", port = 0 })
  local spec = { port = server.port, rate = 200, length = 0.5, interval = 0.25, hold = 0.01,
    label = "shape" }
  local real = assert(tspam.run(spec))
  local simulated = sim.play(function() return tspam.run(spec) end, {}).values[1]
  local skip = { counters = true, timeline = true }
  equal(table.concat(shape(simulated, skip, ""), "\n"), table.concat(shape(real, skip, ""), "\n"))
  equal(table.concat(shape(simulated.timeline[1], {}, ""), "\n"),
    table.concat(shape(real.timeline[1], {}, ""), "\n"))
  equal(simulated.due, real.due)
  equal(simulated.ok, real.ok)
  equal(#simulated.lag, #real.lag)
end)

test("a refusal looks as a real one does", function()
  local spec = { port = 1, rate = 100, length = 0.3 }
  local real = assert(tspam.run(spec))
  local simulated = sim.play(function()
    spec.host = "192.0.2.1"
    return tspam.run(spec)
  end, { fail_all = 1 }).values[1]
  equal(simulated.failures["refused/connect"], real.failures["refused/connect"])
  equal(#simulated.latency, #real.latency)
  equal(simulated.latency:percentile(50), real.latency:percentile(50))
  equal(simulated.timeline[1].p50, real.timeline[1].p50)
end)

-- What the judge says of an answer of saturate.
local function judged(truth, answer, status)
  return (judge("saturate", truth, { document = { answer = answer }, status = status or 0 }))
end

test("an answer is wrong where it is sure and not so, and honest where it is not sure", function()
  local truth = { rate = 300, kind = "rate", burst = 20 }
  local function answer(rate, limit)
    return { rate = rate, limited_by = "target", limit = limit }
  end
  equal(judged(truth, answer(310)), "right")
  equal(judged(truth, answer(350)), "wrong")
  equal(judged(truth, answer(350), 4), "honest")
  equal(judged(truth, { rate = 300, limited_by = "none found" }), "wrong")
  equal(judged(truth, answer(300, { kind = "unknown" })), "right")
  equal(judged(truth, answer(300, { kind = "open", connections = 3 })), "wrong")
  equal(judged(truth, answer(300, { kind = "rate", rate = 301, burst = 22 })), "right")
  equal(judged(truth, answer(300, { kind = "rate", rate = 301, burst = 90 })), "wrong")
end)

test("frogs, unstable devices and tables are judged by what is true of them", function()
  local frog, shaky = { lowest_ok = 100, highest_ok = 1600 }, { stable = 400 }
  equal(judged(frog, { rate = 120, limited_by = "target" }), "right")
  equal(judged(frog, { rate = 2000, limited_by = "target" }), "wrong")
  equal(judged(shaky, { rate = 390, limited_by = "target" }), "right")
  equal(judged(shaky, { rate = 500, limited_by = "target" }), "wrong")
  equal(judged(shaky, { rate = 300, unstable_above = 300, limited_by = "target" }), "right")
  local full = { entries = 2000, rate = 16.7 }
  local state = { kind = "state", entries = 1999 }
  equal(judged(full, { limited_by = "target", limit = state }), "right")
  equal(judged(full, { rate = 16.5, limited_by = "target" }), "right")
  equal(judged(full, { rate = 190, limited_by = "target" }), "wrong")
end)

test("a device that is varied has the truth that goes with it", function()
  local device, truth = vary({ base = 0.06, open = { most = 33 } },
    { rate = 550, kind = "open", connections = 33 }, 1.1)
  equal(device.open.most, 36)
  near(truth.connections, 36, 1e-9)
  near(truth.rate, 600, 1e-9)
  device, truth = vary({ server = { seconds = 0.002 } }, { rate = 500, kind = "processing",
    seconds = 0.002 }, 2)
  equal(device.server.seconds, 0.004)
  equal(truth.rate, 250)
end)

return t.finish()
