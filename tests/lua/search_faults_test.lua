-- The search on devices that break off for a while, die, or are slow or full from the first;
-- and interrupted.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
collectgarbage("generational")
local t = require "harness"
local sim = require "sim"
local test, equal, contains = t.test, t.equal, t.contains

-- saturate of a device -> its answer, what sim.drive tells
local function find(device, words, options)
  local arguments = { "--length", "3", "--no-calibrate", "--no-diagnose" }
  table.move(words or {}, 1, #(words or {}), #arguments + 1, arguments)
  local o = sim.drive("saturate", device, arguments, options)
  return o.document.answer, o
end

local function near(got, want, share)
  assert(got and math.abs(got / want - 1) <= share,
    ("got %s, want %s within %g%%"):format(got, want, 100 * share))
end

local function ordered(answer)
  local rate, lower, upper = answer.rate or 0, answer.lower or 0, answer.upper or math.huge
  assert(lower <= rate and rate <= upper,
    ("%s: %s <= %s <= %s"):format(answer.reason, lower, rate, upper))
end

for _, seconds in ipairs { 1, 2, 4, 6 } do
  test(("an outage of %d s that passes is not held against the target"):format(seconds), function()
    for from = 4 + seconds, 64, 12 do
      local answer, o = find({ bucket = { rate = 300, burst = 30 }, jitter = 0.1,
        outage = { from = from, to = from + seconds } }, {}, { seed = from })
      ordered(answer)
      if o.status == 0 then
        near(answer.rate, 300, 0.05)
        equal(answer.limit, nil) -- no table
      end
    end
  end)
end

test("an outage within a trial is told, from when to when", function()
  local _, o = find({ bucket = { rate = 300, burst = 30 }, outage = { from = 8, to = 10 } })
  local from, to = o.text:match("The target served nobody from ([%d.]+) s to ([%d.]+) s of the "
    .. "search: no evidence of its rate%.")
  near(tonumber(from), 8, 0.01)
  near(tonumber(to), 10, 0.01)
  equal(#o.document.outages, 1)
  near(o.document.outages[1].from, 8, 0.01)
  near(o.document.outages[1].to, 10, 0.01)
end)

test("whenever a target dies, nothing is claimed that was not measured", function()
  for from = 2, 62, 6 do
    local answer, o = find { bucket = { rate = 300, burst = 30 }, dies = from }
    ordered(answer)
    assert(not answer.rate or answer.rate <= 311, answer.rate) -- 3 s of it and a burst
    assert(o.status == 4 or answer.rate > 285, ("dead at %d s: %s"):format(from, answer.rate))
  end
end)

test("a target that died is told as that, with what passed", function()
  local answer, o = find { dies = 9 }
  equal(answer.unfinished, true)
  contains(answer.reason, "the target stopped answering, and answers no more at 50/s either, for")
  contains(answer.reason, "it died, or a table of it is full")
  contains(o.text, "The search ended early (at ")
  assert(answer.rate >= 50 and answer.rate < answer.upper, answer.rate)
end)

test("a closed port ends the search within two rates, with the failures", function()
  local answer, o = find { fail_all = 1 }
  equal(answer.rate, nil)
  equal(answer.limited_by, "none found")
  equal(o.status, 4)
  assert(#o.document.trials <= 2, #o.document.trials)
  contains(answer.reason, "already at the lowest rate, 50/s, 100 % failed: refused/connect 150; "
    .. "does anything listen on 192.0.2.1 port 2345?")
end)

test("a path that sends everything again at the lowest rate is no measure", function()
  local answer, o = find { retransmit_all = {}, bucket = { rate = 300, burst = 30 } }
  equal(answer.rate, nil)
  equal(o.status, 4)
  contains(answer.reason, "already at the lowest rate, ")
  contains(answer.reason, "100 % of the connections were retransmitted")
end)

test("a target that is slow from the first is not saturated by that", function()
  for _, row in ipairs { { 1.5, 4 }, { 1, 3 }, { 0.3, 1 } } do
    local answer = find({ base = row[1] }, { "--length", tostring(row[2]), "--max-rate", "2000" })
    equal(answer.limited_by, "none found")
    equal(answer.rate, 2000)
  end
end)

test("a target that halts for a moment, again and again, is found all the same", function()
  for seed = 1, 5 do
    local answer = find({ server = { seconds = 1 / 238, queue = 0.5 }, jitter = 0.05,
      hiccup = { chance = 0.2, seconds = 0.05, lasts = 0.1 } }, {}, { seed = seed })
    near(answer.rate, 238, 0.06)
  end
end)

test("the outage's times are right, too, where a pause or a command comes before each trial",
  function()
    local _, o = find({ bucket = { rate = 300, burst = 30 }, outage = { from = 13, to = 15 } },
      { "--cooldown", "3" })
    near(o.document.outages[1].from, 13, 0.01)
    near(o.document.outages[1].to, 15, 0.01)
  end)

test("what a bucket of half a minute gives once is not taken for its rate", function()
  local answer = find { bucket = { rate = 300, burst = 9000 } }
  assert(answer.lower <= 305, answer.lower)
end)

test("a full table is named by its size and its lifetime, and by no rate that it sustains not",
  function()
    for _, refuse in ipairs { "drop", "rst", "icmp" } do
      local answer, o = find({ entries = { size = 2000, ttl = 120, refuse = refuse } },
        { "--patience", "200" })
      equal(o.status, 0)
      equal(answer.limited_by, "target")
      equal(answer.rate, nil) -- what passed filled the table too, only not yet
      equal(answer.limit.kind, "state")
      near(answer.limit.entries, 2000, 0.01)
      near(answer.limit.lifetime, 120, 0.02)
      contains(o.text, "No rate that lasts was found: the target's limit; a table of the target "
        .. "is full.")
    end
  end)

test("a table that is flushed between the trials is a table as well", function()
  for _, refuse in ipairs { "drop", "rst" } do
    local answer, o = find({ entries = { size = 900, ttl = 600, refuse = refuse } },
      { "--between", "device flush" })
    equal(o.status, 0)
    equal(answer.limit.kind, "state")
    near(answer.limit.entries, 900, 0.01)
    equal(answer.rate, nil)
  end
end)

test("where nobody waits for the table, all connections made are named", function()
  local answer, o = find({ entries = { size = 2000, ttl = 120 } }, { "--patience", "10" })
  equal(o.status, 4)
  assert(answer.reason:find("%([%d,]+ connections were made in all%)"), answer.reason)
end)

-- The signal comes in every phase of a search, in its experiments and while it waits.
for name, row in pairs {
  bucket = { { bucket = { rate = 300, burst = 300 } }, 400 }, -- what 3 s and a burst carry
  ["lossy path"] = { { bucket = { rate = 400, burst = 40 }, loss = 0.02 }, 400 / 0.98 },
  ["unstable device"] = { { unstable = { above = 500 } }, 3200 },
  table = { { entries = { size = 2000, ttl = 20 } }, 700 },
} do
  test(("Ctrl-C at any moment of the search of a %s gives the evidence so far"):format(name),
    function()
      for at = 0.5, 100, 7 do
        local o = sim.drive("saturate", row[1], { "--length", "3" }, { interrupt_at = at })
        local answer, last = o.document.answer, #o.document.trials
        if o.seconds < at then
          break
        end
        equal(o.status, 130)
        equal(o.document.interrupted, true)
        ordered(answer)
        assert(not answer.rate or answer.rate <= 1.05 * row[2], answer.rate)
        assert(not answer.unfinished or answer.reason == "interrupted", answer.reason)
        equal(answer.unfinished and not o.text:find("The search ended early (interrupted): ", 1,
          true), false)
        assert(last > 0 or not answer.rate)
      end
    end)
end

return t.finish()
