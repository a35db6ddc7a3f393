-- What scripts share, without a load: waits, on a clock of the test's own; complaints.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local tspam = require "tspam"
local jobs = require "tspam.job"
local progress = require "tspam.progress"
local serving = require "tspam.server_job"
local test, equal = t.test, t.equal

-- Runs fn(job, out) while sleeping takes no time; a signal comes after `signal` seconds.
local function on_a_clock(signal, fn)
  local real = { now = tspam.now, sleep = tspam.sleep, interrupted = tspam.interrupted }
  local now, sleeps = 100, 0
  function tspam.now() return now end
  function tspam.interrupted() return now - 100 >= signal and 2 or nil end
  function tspam.sleep(seconds)
    now, sleeps = now + seconds, sleeps + 1
    return tspam.interrupted() == nil
  end
  local out = t.buffer()
  local job <close> = jobs.open({ quiet = true }, {})
  job.waits = progress.new { terminal = false, out = out }
  local fine, problem = pcall(fn, job, out, function() return now - 100, sleeps end)
  for name, call in pairs(real) do
    tspam[name] = call
  end
  assert(fine, problem)
end

test("a wait lasts as long as it should, and is shown", function()
  on_a_clock(math.huge, function(job, out, clock)
    equal(job:wait(12, "the next rate"), true)
    equal(clock(), 12)
    equal(out.text, "waiting for the next rate, 5 s of at most 12 s\n"
      .. "waiting for the next rate, 10 s of at most 12 s\n")
  end)
end)

test("waits in a row for one thing count on", function()
  on_a_clock(math.huge, function(job, out)
    for i = 0, 5 do
      equal(job:wait(1, "the target to accept again", 38 + i, 300), true)
    end
    equal(out.text, "waiting for the target to accept again, 38 s of at most 300 s\n"
      .. "waiting for the target to accept again, 43 s of at most 300 s\n")
  end)
end)

test("a wait of under a second is not shown, one of a part of a second is waited", function()
  on_a_clock(math.huge, function(job, out, clock)
    job.waits = progress.new { terminal = true, columns = 80, out = out }
    equal(job:wait(0.6, "the next trial"), true)
    assert(math.abs(clock() - 0.6) < 1e-6, clock())
    equal(out.text, "")
    equal(job:wait(0, "the next trial"), true)
  end)
end)

test("a signal ends a wait, and the next one does not begin", function()
  on_a_clock(2, function(job, _, clock)
    equal(job:wait(60, "the next rate"), false)
    equal(clock(), 2)
    equal(job:wait(60, "the next rate"), false)
    equal(job:wait(0, "the next rate"), false)
    equal(clock(), 2)
  end)
end)

-- What a server says of what ran short between two looks at its counts.
local function complaint(accept_errors, shed)
  local real, out = io.stderr, t.buffer()
  io.stderr = out
  local service <close> = serving.open { listen = { "127.0.0.1" }, port = 0 }
  local server, stats = service.server, service.server:stats()
  stats.accept_errors, stats.shed, stats.open = accept_errors, shed, 1995
  service.server = { stats = function() return stats end, stop = function() server:stop() end }
  out.text = ""
  service:complain()
  service:complain()
  io.stderr = real
  return out.text
end

test("a server says what ran short, only what did, and once", function()
  equal(complaint(0, 0), "")
  equal(complaint(0, 2), "server: 2 connections reset to make room; 1,995 open\n")
  equal(complaint(1, 0), "server: accept failed 1 time for want of descriptors or memory; "
    .. "1,995 open\n")
  equal(complaint(3, 1), "server: accept failed 3 times for want of descriptors or memory, "
    .. "1 connection reset to make room; 1,995 open\n")
end)

return t.finish()
