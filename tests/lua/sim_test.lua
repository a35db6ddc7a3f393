-- The simulated devices against arithmetic: what each passes, when it first fails.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local sim = require "sim"
local tspam = require "tspam"
local test, equal, contains = t.test, t.equal, t.contains

-- One load on a device -> its result, and what sim.play tells.
local function load(device, spec, options)
  spec.host, spec.timeout = "192.0.2.1", spec.timeout or 0.9
  local o = sim.play(function() return tspam.run(spec) end, device, options)
  return o.values[1], o
end

local function near(got, want, share)
  assert(math.abs(got - want) <= share * want, ("got %s, want %s"):format(got, want))
end

local function add_up(r)
  equal(r.due, r.started + r.capped + r.not_started)
  equal(r.started, r.ok + r.failed + r.aborted)
  local failed, sum = 0, { started = 0, ok = 0, failed = 0 }
  for _, n in pairs(r.failures) do
    failed = failed + n
  end
  equal(failed, r.failed)
  equal(#r.latency, r.ok)
  for _, interval in ipairs(r.timeline) do
    for name in pairs(sum) do
      sum[name] = sum[name] + interval[name]
    end
  end
  equal(sum.started, r.started)
  equal(sum.ok, r.ok)
  equal(sum.failed, r.failed)
  equal(r.timeline[#r.timeline].open, r.aborted)
end

test("a device without a limit passes all, after its latency", function()
  local r = load({ base = 0.01 }, { rate = 500, length = 2 })
  add_up(r)
  equal(r.ok, 1000)
  near(r.latency:percentile(50), 0.01, 0.01)
  near(r.elapsed, 999 / 500 + 0.01, 1e-6)
  equal(r.first_failure, nil)
end)

test("a bucket passes rate x length + burst, and first fails when that is used up", function()
  local r = load({ bucket = { rate = 300, burst = 30 } }, { rate = 500, length = 4 })
  add_up(r)
  assert(math.abs(r.ok - (300 * 4 + 30)) <= 1, r.ok)
  equal(r.failures["timeout/connect"], r.failed)
  equal(r.first_failure.count, 73) -- 30 + 0.6 n < n + 1
  near(r.elapsed, 4 + 0.9, 0.01)
end)

test("a bucket is full again after a pause", function()
  local device = { bucket = { rate = 100, burst = 50 } }
  local spec = { host = "192.0.2.1", rate = 1000, length = 1, timeout = 0.5 }
  local o = sim.play(function()
    local first = tspam.run(spec)
    local tired = tspam.run(spec)
    tspam.sleep "1s"
    return first, tired, tspam.run(spec)
  end, device)
  equal(o.values[1].first_failure.count, 55)
  equal(o.values[2].first_failure.count, 55) -- half a second of time-outs gave back 50
  equal(o.values[3].ok, o.values[1].ok)
end)

test("a refusal takes the name that was asked for, and no time", function()
  for refuse, name in pairs { rst = "refused/connect", icmp = "unreachable/connect" } do
    local r = load({ bucket = { rate = 10, burst = 10, refuse = refuse }, base = 0.002 },
      { rate = 100, length = 1 })
    add_up(r)
    equal(r.failures[name], r.failed)
    assert(r.elapsed < 1, r.elapsed)
    near(r.first_failure.time, 0.11 + 0.001, 1e-6)
  end
end)

test("of a limit on open ones most / (latency + hold) pass a second", function()
  local rows = { { 33, 0.06, 0 }, { 33, 0.06, 0.5 }, { 200, 0.004, 0.3 }, { 10, 0.004, 0 } }
  for _, row in ipairs(rows) do
    local most, base, hold = table.unpack(row)
    local rate = most / (base + hold)
    local r = load({ open = { most = most }, base = base },
      { rate = 1.5 * rate, length = 20, hold = hold })
    add_up(r)
    near(r.ok - most / 2, rate * 20, 0.005 + 0.6 * most / (rate * 20))
    local below = load({ open = { most = most }, base = base },
      { rate = 0.99 * rate, length = 5, hold = hold })
    equal(below.failed, 0)
    assert(r.open_max <= 1.5 * rate * 0.9 + most + 1, r.open_max)
  end
end)

test("a table passes its size, then nothing until the first entries are old", function()
  local device = { entries = { size = 700, ttl = 5 } }
  local r = load(device, { rate = 350.5, length = 8, interval = 0.25 })
  add_up(r)
  equal(r.first_failure.count, 700)
  near(r.first_failure.time, 700 / 350.5, 1e-9)
  local expected = 700 + math.floor(350.5 * 2) -- refilled from 5 s on for two seconds
  assert(math.abs(r.ok - expected) <= 1 + 350.5 * 1, r.ok)
  equal(r.timeline[9].ok, 0) -- 2.00 .. 2.25 s
  assert(r.timeline[22].ok > 80, r.timeline[22].ok) -- 5.25 .. 5.5 s
end)

test("a table stays full between runs, and a flush empties it", function()
  local spec = { host = "192.0.2.1", rate = 1000, length = 1, timeout = 0.5 }
  local o = sim.play(function()
    local one, two = tspam.run(spec), tspam.run(spec)
    os.execute("true flush")
    return one, two, tspam.run(spec)
  end, { entries = { size = 100, ttl = 60, refuse = "rst" } })
  equal(o.values[1].ok, 100)
  equal(o.values[2].ok, 0)
  equal(o.values[3].ok, 100)
  equal(o.device.flushed, 1)
end)

test("a table that evicts the oldest loses those that are still open", function()
  local r = load({ entries = { size = 500, ttl = 600, evict = true } },
    { rate = 100, length = 10, hold = 20, interval = 0.25 })
  add_up(r)
  equal(r.ok, 500)
  equal(r.failures["timeout/reply"], 500)
end)

test("a server completes 1 / seconds a second, and its queue is latency", function()
  local r = load({ server = { seconds = 0.002, queue = 0.2 } }, { rate = 700, length = 10 })
  add_up(r)
  near(r.ok, 10 / 0.002 + 100, 0.005)
  near(r.latency:percentile(50), 0.204, 0.02)
  local idle = load({ server = { seconds = 0.002, queue = 0.2 } }, { rate = 490, length = 10 })
  equal(idle.failed, 0)
  near(idle.latency:percentile(99), 0.006, 0.01)
end)

test("what waits longer than the time-out fails in its reply", function()
  local r = load({ server = { seconds = 0.002 } }, { rate = 1000, length = 4, timeout = 0.5 })
  add_up(r)
  equal(r.ok, 494) -- the wait grows by 1 ms each, and the exchange takes 6 ms besides
  equal(r.failures["timeout/reply"], r.failed)
end)

test("a link carries its bits a second, whatever a connection weighs", function()
  for _, bytes in ipairs { 0, 1000, 8000 } do
    local rate = 2e6 / 8 / (700 + bytes * (1 + 66 / 1448))
    local r = load({ link = { bits_per_second = 2e6 } },
      { rate = 1.3 * rate, length = 10, content = ("x"):rep(bytes) })
    add_up(r)
    near(r.ok, rate * 10.1, 0.005 + 1 / r.ok)
    assert(r.retransmitted_ok > 0)
  end
end)

test("loss is a share of the connections, by chance that the seed decides", function()
  local spec = { rate = 1000, length = 10 }
  local r = load({ loss = 0.02 }, spec, { seed = 3 })
  add_up(r)
  near(r.failures["timeout/connect"], 200, 0.3)
  equal(load({ loss = 0.02 }, spec, { seed = 3 }).failed, r.failed)
  local again = load({ loss = 0.02, retransmit = true }, spec, { seed = 3 })
  equal(again.failed, 0)
  near(again.retransmitted_ok, 200, 0.3)
  local patient = load({ loss = 0.02 }, { rate = 1000, length = 10, timeout = 5 })
  equal(patient.failed, 0)
  near(patient.latency:max(), 1.004, 0.01)
end)

test("latency spreads about its mean, and its median does not waver", function()
  local r = load({ base = 0.01, jitter = 0.3 }, { rate = 1000, length = 4, interval = 1 })
  add_up(r)
  near(r.latency:mean(), 0.01, 0.02)
  for i = 1, 4 do
    near(r.timeline[i].p50, r.latency:percentile(50), 0.05)
  end
  assert(r.latency:percentile(99) > 0.015)
end)

test("a gentle stop ends holds, and what is open ends well", function()
  local r, o = load({ base = 0.01 }, { rate = 100, length = 50, hold = 60, interval = 0.25,
    on_interval = function(interval)
      near(tspam.now(), interval.time, 1e-9)
      return interval.time < 2
    end })
  add_up(r)
  equal(r.due, 200)
  equal(r.ok, 200)
  equal(r.timeline[8].open, 200)
  near(o.seconds, 2.005, 0.001)
end)

test("a cap on open connections keeps the rest from being started", function()
  local r = load({ base = 0.5 }, { rate = 100, length = 2, max_open = 20 })
  add_up(r)
  assert(r.capped > 80 and r.open_max <= 20, r.open_max)
end)

test("a signal ends the run under way, and all that follows", function()
  local spec = { host = "192.0.2.1", rate = 100, length = 10 }
  local o = sim.play(function()
    tspam.sleep(2)
    equal(tspam.interrupted(), nil)
    local first = tspam.run(spec)
    return first, tspam.run(spec), tspam.sleep(5), tspam.interrupted()
  end, { base = 0.1 }, { interrupt_at = 5 })
  local first, second = o.values[1], o.values[2]
  add_up(first)
  assert(first.interrupted and first.due == 300 and first.aborted == 9, first.aborted)
  assert(second.interrupted and second.due == 0)
  equal(o.values[3], false)
  equal(o.values[4], 2)
  equal(o.seconds, 5)
end)

test("scripts run as they are, and all is put back", function()
  local run, out, popen, exit = tspam.run, io.stdout, io.popen, require "tspam.exit"
  local o = sim.drive("rate", { bucket = { rate = 50, burst = 5 } },
    { "-r", "100", "-l", "2", "-t", "0.9" })
  equal(o.status, 0)
  contains(o.text, "timeout/connect")
  equal(o.document.schema, "tspam.rate/1")
  equal(o.document.runs[1].due, 200)
  near(o.seconds, 2.9, 0.01)
  equal(sim.drive("rate", {}, { "--nonsense" }).status, 2)
  equal(sim.drive("rate", {}, { "-r", "10" }, { interrupt_at = 3 }).status, 130)
  assert(not pcall(sim.play, function() error("inside") end, {}))
  assert(run == tspam.run and out == io.stdout and popen == io.popen
    and exit == require "tspam.exit")
  equal(tspam.interrupted(), nil)
end)

test("a search finds the rate of a bucket, in no time", function()
  local o = sim.drive("saturate", { bucket = { rate = 300, burst = 20 }, jitter = 0.1 },
    { "--length", "3" }, { seed = 7 })
  equal(o.status, 0)
  near(o.document.answer.rate, 300, 0.05)
  assert(o.seconds > 30 and o.runs > 5)
end)

return t.finish()
