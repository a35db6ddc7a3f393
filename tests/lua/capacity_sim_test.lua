-- The shipped capacity on simulated devices of known truth: right, or not sure of it.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local sim = require "sim"
local test, equal, contains = t.test, t.equal, t.contains

local SEEDS <const> = 12
local REFUSALS <const> = { "drop", "rst", "icmp" }

-- -> the answer, how sure it is of it (exit status 0), all that was said
local function capacity(device, words, seed)
  local o = sim.drive("capacity", device, words, { seed = seed })
  assert(o.status == 0 or o.status == 4, o.err)
  return o.document.answer, o.status == 0, o
end

local function near(got, want, by)
  assert(got and math.abs(got - want) <= by, ("got %s, want %s"):format(got, want))
end

local function claims(answer, sure, connections)
  equal(answer.limited_by, "target")
  equal(sure, true)
  equal(answer.counted, 2)
  near(answer.connections, connections, 0.01 * connections)
end

local function claims_nothing(answer, sure)
  equal(answer.limited_by, "none found")
  equal(sure, false)
end

for _, refuse in ipairs(REFUSALS) do
  test("a full table that answers by " .. refuse .. " is counted twice, and its recovery told",
    function()
      for seed = 1, SEEDS do
        local entries, ttl = 400 + 100 * seed, 6 + seed
        local answer, sure = capacity({ entries = { size = entries, ttl = ttl, refuse = refuse } },
          nil, seed)
        claims(answer, sure, entries)
        near(answer.lifetime, ttl, 0.25)
      end
    end)
  test("a limit of what is open at once that answers by " .. refuse .. " is counted twice",
    function()
      for seed = 1, SEEDS do
        local most = 100 * seed
        local answer, sure = capacity({ open = { most = most, refuse = refuse } }, nil, seed)
        claims(answer, sure, most)
        assert(answer.recovery < 0.5, answer.recovery)
      end
    end)
  test("a bucket of 160 to 180/s that answers by " .. refuse .. " is no capacity", function()
    for seed = 1, SEEDS do
      local rate = 159 + seed
      local answer, sure = capacity({ bucket = { rate = rate, burst = 10 * seed,
        refuse = refuse } }, nil, seed)
      claims_nothing(answer, sure)
      near(tonumber(answer.reason:match("about (%d+)/s get through")), rate, 0.05 * rate)
      contains(answer.reason, "open more slowly (-r)")
    end
  end)
end

test("a bucket of any rate is no capacity, however fast it is filled", function()
  for _, row in ipairs { { 20, 500 }, { 40, 1000 }, { 40, 3000 }, { 100, 2200 }, { 300, 500 } } do
    for seed = 1, 5 do
      for _, refuse in ipairs(REFUSALS) do
        local answer, sure = capacity({ bucket = { rate = row[1], burst = seed * row[1] / 2,
          refuse = refuse } }, { "-r", tostring(row[2]) }, seed)
        claims_nothing(answer, sure)
      end
    end
  end
end)

test("an outage of 2 s or 10 s is told with its times, and is no capacity, whenever", function()
  for seed = 1, 24 do
    local from, lasts = 0.4 + 2 * seed, seed % 2 == 0 and 2 or 10
    local answer, sure = capacity({ outage = { from = from, to = from + lasts } }, { "-r", "200" },
      seed)
    if answer.counted then
      claims_nothing(answer, sure)
      near(answer.outage.from, from, 0.05)
      assert(answer.outage.to >= from + lasts - 0.05 and answer.outage.to < from + lasts + 1.5,
        answer.outage.to)
    else
      assert(answer.limited_by ~= "target", answer.reason)
      assert(from + lasts > 48, answer.reason)
    end
  end
end)

test("with an outage on the way a table's count is right, or it is not told for sure", function()
  for seed = 1, 24 do
    local from, lasts = 0.3 * seed, seed % 2 == 0 and 2 or 10
    local answer, sure = capacity({ entries = { size = 1700, ttl = 10 },
      outage = { from = from, to = from + lasts } }, nil, seed)
    if sure then
      claims(answer, sure, 1700)
    else
      claims_nothing(answer, sure)
    end
  end
end)

test("a target that dies is not known to be full, and is waited for so long", function()
  for seed = 1, SEEDS do
    local answer, sure, o = capacity({ dies = 0.5 + 0.2 * seed }, { "--patience", "30" }, seed)
    claims_nothing(answer, sure)
    near(answer.waited, 30, 1)
    contains(o.text, "it is full, or dead: no new one was accepted for 3")
  end
end)

test("one to three of a hundred lost make no capacity, and hide none", function()
  for seed = 1, SEEDS do
    local loss = 0.01 * (1 + seed % 3)
    local answer, sure = capacity({ loss = loss }, { "-r", "100" }, seed)
    equal(answer.limited_by, "none found")
    equal(sure, true)
    answer, sure = capacity({ loss = loss, entries = { size = 1700, ttl = 20 } }, nil, seed)
    claims(answer, sure, 1700)
  end
end)

test("a table that forgets the oldest keeps what survives", function()
  local answer, sure = capacity { entries = { size = 1700, ttl = 100, evict = true } }
  equal(answer.limited_by, "target")
  equal(sure, true)
  near(answer.connections, 1700, 3)
end)

test("who wants it counted once is told the count, and that it is not known whose limit it is",
  function()
    local device = { entries = { size = 1700, ttl = 10 } }
    local answer, sure, o = capacity(device, { "--once" })
    claims_nothing(answer, sure)
    equal(answer.connections, 1700)
    equal(answer.counted, 1)
    equal(answer.recovery, nil)
    equal(o.runs, 1)
    answer, sure, o = capacity(device, { "--once", "--recover" })
    claims_nothing(answer, sure)
    near(answer.recovery, 4, 0.3)
    equal(o.runs, 2)
  end)

test("Ctrl-C while it waits leaves the count, and claims nothing", function()
  for at = 7, 20 do
    local o = sim.drive("capacity", { entries = { size = 1700, ttl = 12 } }, nil,
      { interrupt_at = at })
    equal(o.status, 130)
    equal(o.document.answer.connections, 1700)
    equal(o.document.answer.limited_by, "none found")
  end
end)

return t.finish()
