-- tspam.run and tspam.start over loopback: exact counts, early ends.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local test, equal, contains = t.test, t.equal, t.contains

local function new_server(fields)
  fields = fields or {}
  fields.listen, fields.port = fields.listen or "127.0.0.1", 0
  return assert(tspam.server(fields))
end

local function adds_up(r)
  equal(r.due, r.started + r.capped + r.not_started)
  equal(r.started, r.ok + r.failed + r.aborted)
  local sum = 0
  for _, n in pairs(r.failures) do
    sum = sum + n
  end
  equal(sum, r.failed)
end

-- Says what became of the others, where not all connections ended well.
local function all_ok(r)
  local told = { ("ok %d of %d, not started %d"):format(r.ok, r.due, r.not_started) }
  for _, list in ipairs { r.failures, r.others } do
    for cause, n in pairs(list) do
      told[#told + 1] = ("%s %d"):format(cause, n)
    end
  end
  assert(r.ok == r.due, table.concat(told, ", "))
end

test("every due connection is opened, answered and measured", function()
  local server <close> = new_server { content = "pong" }
  local r = assert(tspam.run { port = server.port, rate = 500, length = "500ms", content = "ping" })
  equal(r.due, 250)
  all_ok(r)
  equal(r.bytes_sent, 1000)
  equal(r.bytes_received, 1000)
  equal(r.rate, 500)
  equal(r.length, 0.5)
  equal(r.interrupted, false)
  for _, phase in ipairs(r.phases) do
    equal(#r[phase], 250)
  end
  equal(server:stats().answered, 250)
  adds_up(r)
end)

test("phases are listed in order, the generator's own lateness last", function()
  local r = assert(tspam.run { port = 1, rate = 10, count = 1 })
  equal(table.concat(r.phases, " "), "latency service connect first_byte transfer lag")
end)

test("refused connections are counted, not raised", function()
  local r = assert(tspam.run { port = 1, rate = "1k", length = "100ms" })
  equal(r.due, 100)
  equal(r.ok, 0)
  equal(r.failures["refused/connect"], 100)
  equal(#r.latency, 0)
  equal(r.latency:percentile(99), nil)
  equal(r.first_failure.time, 0)
  equal(r.first_failure.count, 0)
  adds_up(r)
end)

test("what comes between the end of a run and wait is not the run's", function()
  local server <close> = new_server()
  local run = assert(tspam.start { port = server.port, rate = 100, length = 0.1 })
  repeat
    tspam.sleep(0.05)
  until run:snapshot().ok == 10
  tspam.sleep(0.2)
  local before = tspam.usage()
  repeat
    local now = tspam.usage()
  until now.user + now.system - before.user - before.system > 0.5
  local r = run:wait()
  equal(r.ok, 10)
  assert(r.cpu.user + r.cpu.system < 0.5, "its CPU: " .. r.cpu.user + r.cpu.system)
end)

test("a ramp, stages, a count and a closed loop have their exact totals", function()
  local server <close> = new_server()
  local port = server.port
  equal(assert(tspam.run { port = port, rate = 0, rate_to = 200, length = 1 }).due, 100)
  equal(assert(tspam.run { port = port, stages = {
    { rate = 100, length = 0.2 }, { rate = 100, rate_to = 300, length = 0.2 },
  } }).due, 60)
  equal(assert(tspam.run { port = port, rate = 1000, count = 77 }).ok, 77)
  local closed = assert(tspam.run { port = port, concurrency = 3, count = 50 })
  equal(closed.ok, 50)
  equal(closed.due, closed.started)
  equal(closed.lag, nil)
  equal(server:stats().answered, 100 + 60 + 77 + 50)
end)

test("an answer shorter than expected is a failure of its own", function()
  local server <close> = new_server { content = "four" }
  local r = assert(tspam.run { port = server.port, rate = 200, count = 20, expect = 5 })
  equal(r.failures["short/reply"], 20)
  equal(assert(tspam.run { port = server.port, rate = 200, count = 20, expect = 4 }).ok, 20)
end)

test("ranges of ports and of sources are used in turn", function()
  local server <close> = new_server()
  local r = assert(tspam.run { port = server.port, rate = 500, count = 50,
    local_ips = { "127.0.0.2-127.0.0.5", "127.1.0.0/30" } })
  equal(r.ok, 50)
  assert(r.sources.tuples > 8, r.sources.tuples)
end)

test("a label, the spec in force and the target are carried into the result", function()
  local r = assert(tspam.run { port = 1, rate = "10", count = 1, label = "warm-up" })
  equal(r.label, "warm-up")
  equal(r.spec.rate, 10)
  equal(r.spec.timeout, 30)
  equal(r.target.port, 1)
  equal(r.target.address, "127.0.0.1")
end)

test("connections past max_open are counted as capped", function()
  local server <close> = new_server()
  local r = assert(tspam.run { port = server.port, rate = 200, count = 40, hold = 0.5,
    max_open = 10, workers = 2 })
  equal(r.due, 40)
  equal(r.ok, 10)
  equal(r.capped, 30)
  adds_up(r)
end)

test("on_interval sees every interval; they add up to the result", function()
  local server <close> = new_server()
  local seen, started = {}, 0
  local r = assert(tspam.run { port = server.port, rate = 200, length = 0.5, interval = 0.1,
    on_interval = function(figures)
      seen[#seen + 1] = figures.time
      started = started + figures.started
    end })
  assert(#seen >= 5, #seen)
  for i = 2, #seen do
    assert(seen[i] > seen[i - 1])
  end
  equal(started, r.started)
  local ok = 0
  for _, interval in ipairs(r.timeline) do
    ok = ok + interval.ok
  end
  equal(ok, r.ok)
end)

test("on_interval that returns false ends the run, gently", function()
  local server <close> = new_server()
  local r = assert(tspam.run { port = server.port, rate = 100, length = 60, interval = 0.2,
    hold = 5, on_interval = function() return false end })
  assert(r.due > 0 and r.due < 1000, r.due)
  equal(r.aborted, 0)
  equal(r.ok, r.started)
  equal(r.interrupted, false)
  adds_up(r)
end)

test("an error in on_interval stops the run and comes with its traceback", function()
  local server <close> = new_server()
  local fine, problem = pcall(tspam.run, { port = server.port, rate = 100, length = 60,
    interval = 0.1, on_interval = function() error("on purpose") end })
  equal(fine, false)
  contains(problem, "run_test.lua")
  contains(problem, "on purpose")
  contains(problem, "stack traceback:")
  contains(problem, "in function 'tspam.run'")
  tspam.sleep(0.3)
  local before = server:stats().accepted
  tspam.sleep(0.3)
  equal(server:stats().accepted, before)
end)

test("start returns at once; wait gives the result, once", function()
  local server <close> = new_server()
  local handle = assert(tspam.start { port = server.port, rate = 100, length = 50 })
  handle:stop() -- a start that came back at the end would have made all 5,000
  local r = assert(handle:wait())
  equal(r.spec.length, 50)
  assert(r.due < 5000, r.due)
  equal(r.ok, r.due)
  t.raises("calling 'wait' on bad self (attempt to use a run that was waited for)",
    function() handle:wait() end)
end)

test("two loads run side by side, each with counts of its own", function()
  local server <close> = new_server()
  local one = assert(tspam.start { port = server.port, rate = 100, length = 0.4 })
  local two = assert(tspam.start { port = 1, rate = 50, length = 0.4 })
  local second, first = assert(two:wait()), assert(one:wait())
  equal(first.ok, 40)
  equal(second.failures["refused/connect"], 20)
end)

test("stop ends a started run; a snapshot tells how far it is", function()
  local server <close> = new_server()
  local handle = assert(tspam.start { port = server.port, rate = 200, length = 60,
    interval = 0.05 })
  local snapshot
  for _ = 1, 100 do
    snapshot = handle:snapshot()
    if snapshot.started > 0 then
      break
    end
    tspam.sleep(0.05)
  end
  assert(snapshot.started > 0)
  handle:stop()
  local r = assert(handle:wait())
  assert(r.due >= snapshot.started and r.due < 12000, r.due)
  equal(r.ok, r.started)
  adds_up(r)
end)

test("a handle that goes out of scope stops its run", function()
  local server <close> = new_server()
  do
    local handle <close> = assert(tspam.start { port = server.port, rate = 200, length = 60 })
    tspam.sleep(0.2)
    assert(handle)
  end
  tspam.sleep(0.3)
  local before = server:stats().accepted
  tspam.sleep(0.3)
  equal(server:stats().accepted, before)
end)

test("IPv6 and names are connected to like addresses", function()
  local server <close> = new_server { listen = "::1" }
  equal(assert(tspam.run { host = "::1", port = server.port, rate = 100, count = 10 }).ok, 10)
  local v4 <close> = new_server()
  local address = assert(tspam.resolve("localhost", "4"))
  equal(address, "127.0.0.1")
  equal(assert(tspam.run { host = address, port = v4.port, rate = 100, count = 10 }).ok, 10)
end)

test("close by reset is a normal end", function()
  local server <close> = new_server { content = "pong" }
  local r = assert(tspam.run { port = server.port, rate = 200, count = 20, close = "reset" })
  equal(r.ok, 20)
end)

return t.finish()
