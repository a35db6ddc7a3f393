-- What saturate does with trials: time-outs, ports, errors. The trials are made up.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local report = require "tspam.report.saturate"
local results = require "results"
local saturation = require "tspam.saturation"
local tspam = require "tspam"
local test, equal, contains = t.test, t.equal, t.contains

-- A trial in which all is well.
local function clean(load)
  return results.clean(load.rate, load.length)
end

-- A search; try(load, n) makes the n-th trial (default: all is well). -> outcome, the loads
-- that were tried, what was waited for
local function searched(goals, fields, try)
  local loads = {}
  goals.length, goals.cooldown = 0.1, goals.cooldown or 0
  local waited = {}
  local outcome = saturation({
    fields = fields or {}, interrupted = function() return false end, say = function() end,
    waits = { waiting = function() end },
    wait = function(_, seconds, what)
      waited[#waited + 1] = ("%g s for %s"):format(seconds, what)
      return true
    end,
    try = function(_, load)
      loads[#loads + 1] = load
      return (try or clean)(load, #loads)
    end,
  }, goals)
  return outcome, loads, waited
end

test("what the machine refuses in mid-search leaves the answer so far", function()
  local outcome = searched({ start = 50 }, {}, function(load, n)
    if n == 4 then
      return nil, "bind 192.0.2.9: Cannot assign requested address"
    end
    return clean(load)
  end)
  equal(outcome.error, "bind 192.0.2.9: Cannot assign requested address")
  equal(outcome.answer.rate, outcome.trials[3].rate)
  contains(report.sentence(outcome), "The search ended early (bind 192.0.2.9: Cannot")
end)

test("a start far above what a quick target lets through goes down, and is no more patient",
  function()
    local outcome, loads = searched({ start = 4000 }, {}, function(load)
      return results.bucket(load.rate, load.length, 3000, 3)
    end)
    for _, load in ipairs(loads) do
      equal(load.timeout, 0.9)
    end
    assert(math.abs(outcome.answer.rate / 3000 - 1) < 0.03, outcome.answer.rate)
    equal(outcome.answer.limited_by, "target")
    contains(outcome.answer.reason, "timeout/connect")
  end)

-- All time out at first; then as long an answer as this.
local function slow(seconds)
  return function(load)
    local r = clean(load)
    if load.timeout <= seconds then
      r.ok, r.failed, r.failures = 0, r.started, { ["timeout/reply"] = r.started }
      r.latency = results.median(nil)
    else
      r.latency = results.median(seconds)
    end
    return r
  end
end

test("a target that takes 1.5 s is looked at again, with more patience", function()
  local outcome, loads = searched({ start = 50, max_rate = 60 }, {}, slow(1.5))
  equal(loads[1].timeout, 0.9)
  equal(loads[2].timeout, 5)
  equal(loads[3].timeout, 6)
  equal(outcome.answer.limited_by, "none found")
end)

test("the goals that saturation was given stay as they were", function()
  local goals = { start = 50, max_rate = 60 }
  searched(goals)
  for _, name in ipairs { "now", "on_lowest", "trial", "wait", "say", "waiting", "rules" } do
    equal(goals[name], nil)
  end
end)

test("a hold does not make a trial more patient", function()
  local _, loads = searched({ start = 50, max_rate = 60 }, { hold = 10 },
    function(load)
      return results.clean(load.rate, load.length, { latency = results.median(10.01) })
    end)
  equal(loads[#loads].timeout, 0.9)
end)

test("a longer trial that meets this machine's limit is no answer about the target", function()
  local outcome = searched({ start = 50, max_rate = 60 }, {}, function(load)
    local r = clean(load)
    if load.length > 0.2 then
      r.failed, r.ok, r.failures = 2, r.ok - 2, { ["no-port/connect"] = 2 }
    end
    return r
  end)
  equal(outcome.answer.limited_by, "own ports")
  equal(outcome.answer.rate, 60)
  equal(outcome.conclusive, false)
  equal(outcome.answer.confirmed, false)
  contains(report.sentence(outcome), "60/s: this machine's limit (own ports), not the target's; "
    .. "inconclusive at 60/s: 2 of 18 connections failed with no-port.")
end)

test("a cap on open connections that any target would reach is our own limit", function()
  local outcome = searched({ start = 50 }, { max_open = 10 },
    function(load)
      local r = results.clean(load.rate, load.length, { latency = results.median(0.1) })
      local carried = math.min(r.started, 100 * load.length // 1)
      r.capped, r.open_max = r.started - carried, math.min(10, load.rate // 10)
      r.started, r.ok = carried, carried
      return r
    end)
  equal(outcome.answer.limited_by, "generator")
  equal(outcome.conclusive, false)
  contains(outcome.answer.reason, "max_open")
end)

test("between two trials it waits for the cooldown, and says for what", function()
  local _, loads, waited = searched { start = 50, max_rate = 60, cooldown = 0.5 }
  equal(#waited, #loads - 1)
  equal(waited[1], "0.5 s for the next trial")
end)

test("trials that walk by themselves may reuse ports: nothing is said of it", function()
  equal(searched({ start = 50, max_rate = 60 }, { local_ports = "auto" }).reuse_unknown, true)
  local walked, loads = searched({ start = 50, max_rate = 60 }, { local_ports = "walk" })
  equal(walked.reuse_unknown, false)
  assert(loads[1].local_ports ~= loads[2].local_ports, loads[1].local_ports)
end)

-- The lines of a file, in one.
local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do
    lines[#lines + 1] = line
  end
  return table.concat(lines, " ")
end

test("a command runs between trials, not before the first nor after the last", function()
  local path = os.tmpname()
  local log <close> = assert(io.open(path, "a"))
  log:setvbuf("no")
  local _, loads = searched({ start = 50, max_rate = 60, between = "echo command >>" .. path },
    {}, function(load)
      log:write("trial\n")
      return clean(load)
    end)
  equal(lines_of(path), "trial" .. (" command trial"):rep(#loads - 1))
  os.remove(path)
end)

test("a command that fails ends the search with what passed until then", function()
  local outcome, loads = searched({ start = 50, max_rate = 60, between = "exit 7" })
  equal(#loads, 1)
  equal(outcome.error, "--between: 'exit 7' ended with status 7")
  equal(outcome.answer.rate, 50)
  outcome = searched({ start = 50, max_rate = 60, between = "kill -9 $$" })
  equal(outcome.error, "--between: 'kill -9 $$' ended with signal 9")
end)

test("Ctrl-C while the command runs is no failure of the command", function()
  local real = tspam.interrupted
  tspam.interrupted = function() return "SIGINT" end
  local outcome = searched({ start = 50, max_rate = 60, between = "exit 130" }, {},
    function(load, n)
      local r = clean(load)
      r.interrupted, r.started = n > 1, n > 1 and 0 or r.started
      return r
    end)
  tspam.interrupted = real
  equal(outcome.error, nil)
  equal(outcome.answer.reason, "interrupted")
  contains(report.sentence(outcome),
    "The search ended early (interrupted): at least 50/s passed.\n")
end)

return t.finish()
