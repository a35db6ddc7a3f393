-- What kind of limit: on simulated devices of each kind, and on experiments that disagree.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
collectgarbage("generational")
local t = require "harness"
local diagnose = require "tspam.diagnose"
local full_table = require "tspam.full_table"
local results = require "results"
local search = require "tspam.search"
local sim = require "sim"
local tspam = require "tspam"
local test, equal, contains = t.test, t.equal, t.contains

-- The answer of saturate for a device, what sim.drive tells.
local function find(device, words, options)
  local arguments = { "--length", "3", "--no-calibrate" }
  table.move(words or {}, 1, #(words or {}), #arguments + 1, arguments)
  local o = sim.drive("saturate", device, arguments, options)
  return o.document.answer, o
end

local FLUSH <const>, PATIENT <const> = { "--between", "device flush" }, { "--patience", "200" }

-- what, the device, its kind and figures, the sentence, words of the command line
local kinds = {
  { "a bucket", { bucket = { rate = 300, burst = 30 } }, { kind = "rate", rate = 300, burst = 30 },
    "a token bucket of 300/s with a burst of 30" },
  { "a bucket that refuses by RST", { bucket = { rate = 300, burst = 30, refuse = "rst" } },
    { kind = "rate", rate = 300, burst = 30 }, "a token bucket of 300/s with a burst of 3" },
  { "a bucket that refuses by ICMP", { bucket = { rate = 1000, burst = 100, refuse = "icmp" } },
    { kind = "rate", rate = 1000, burst = 100 }, "a token bucket of 1,000/s with a burst of 10" },
  { "a bucket of two seconds", { bucket = { rate = 300, burst = 600 } },
    { kind = "rate", rate = 300, burst = 600 }, "a token bucket of 300/s with a burst of " },
  { "a slow bucket", { bucket = { rate = 40, burst = 10 } }, { kind = "rate", rate = 40 },
    "a token bucket of 40/s with a burst of ", { "--start", "10" } },
  { "a fast bucket", { bucket = { rate = 20000, burst = 2000 } },
    { kind = "rate", rate = 20000, burst = 2000 }, "a token bucket of 20.0k/s with a burst of " },
  { "a bucket behind 2 % loss", { bucket = { rate = 500, burst = 5 }, loss = 0.02, jitter = 0.1 },
    { kind = "rate", rate = 500 / 0.98 }, "/s, at any overload" },
  { "a bucket behind 6 % loss", { bucket = { rate = 500, burst = 5 }, loss = 0.06, jitter = 0.1 },
    { kind = "rate", rate = 500 / 0.94 }, "/s, at any overload" },
  { "a limit of open ones", { open = { most = 33 }, base = 0.06, jitter = 0.1 },
    { kind = "open", connections = 33 }, "at most 33 open at once" },
  { "one that refuses by RST", { open = { most = 33, refuse = "rst" }, base = 0.06, jitter = 0.1 },
    { kind = "open", connections = 33 }, "at most 33 open at once" },
  { "a large one", { open = { most = 1000 }, base = 0.1 }, { kind = "open", connections = 1000 },
    "at most 1,000 open at once" },
  { "one whose connections are held", { open = { most = 200 }, base = 0.01 },
    { kind = "open", connections = 200 }, "at most 200 open at once", { "--hold", "0.3" } },
  { "one behind 2 % loss", { open = { most = 60 }, base = 0.06, loss = 0.02, jitter = 0.1 },
    { kind = "open", connections = 60 }, " open at once" },
  { "a table", { entries = { size = 2000, ttl = 120 } },
    { kind = "state", entries = 2000, lifetime = 120, sustained = 2000 / 120 },
    "a table of 2,000 entries that live 120 s: 16.", PATIENT },
  { "a table that refuses by RST", { entries = { size = 2000, ttl = 60, refuse = "rst" } },
    { kind = "state", entries = 2000, lifetime = 60 }, "a table of 2,000 entries that live 60",
    PATIENT },
  { "a table that is flushed between trials", { entries = { size = 900, ttl = 600 } },
    { kind = "state", entries = 900 }, "a table of 900 entries.", FLUSH },
  { "a link", { link = { bits_per_second = 2e6, overhead = 272 }, jitter = 0.1 },
    { kind = "bandwidth", bits_per_second = 2e6 }, " Mbit/s on the wire" },
  { "a fast link", { link = { bits_per_second = 2e7, overhead = 272 }, jitter = 0.1 },
    { kind = "bandwidth", bits_per_second = 2e7 }, " Mbit/s on the wire" },
  { "a link behind 3 % loss", { link = { bits_per_second = 2e6, overhead = 272 }, loss = 0.03 },
    { kind = "bandwidth", bits_per_second = 2e6 }, " Mbit/s on the wire" },
  { "a slow server", { server = { seconds = 0.0056 } },
    { kind = "processing", seconds = 0.0056 }, "processing: one connection at a time, 5.6" },
  { "one that refuses what does not fit", { server = { seconds = 0.002, queue = 0.3,
    refuse = "rst" }, jitter = 0.1 }, { kind = "processing", seconds = 0.002 },
    "processing: one connection at a time, " },
  { "a queue of 0.3 s before connections of 0.1 s", { server = { seconds = 0.0078, queue = 0.3 },
    base = 0.09 }, { kind = "processing", seconds = 0.0078 },
    "processing: one connection at a time, 7." },
  { "one behind 5 % loss", { server = { seconds = 0.0056, queue = 0.5 }, loss = 0.05 },
    { kind = "processing", seconds = 0.0056 }, "processing: one connection at a time, 5." },
}
for _, row in ipairs(kinds) do
  local what, device, truth, words, arguments = table.unpack(row)
  test(("%s is told as '%s', its figures within 5 %%"):format(what, truth.kind), function()
    local answer, o = find(device, arguments)
    for name, want in pairs(truth) do
      local got = answer.limit[name]
      if name == "kind" then
        equal(got, want)
      else
        assert(got and math.abs(got - want) <= math.max(0.05 * want, name == "burst" and 1 or 0),
          ("%s: got %s, want %s"):format(name, got, want))
      end
    end
    contains(o.text, "\nKind of limit: ")
    contains(o.text, words)
  end)
end

test("a request that is longer is counted with its bytes", function()
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(("x"):rep(1000))
  file:close()
  local answer = find({ link = { bits_per_second = 2e6, overhead = 404 } }, { "-c", path })
  os.remove(path)
  equal(answer.limit.kind, "bandwidth")
  assert(math.abs(answer.limit.bits_per_second / 2e6 - 1) < 0.05, answer.limit.bits_per_second)
end)

test("a queue in which all that wait too long are given up is no table", function()
  for _, rate in ipairs { 30, 50, 75, 200 } do
    local result = sim.play(function()
      return tspam.run { host = "192.0.2.1", rate = rate, length = 3, interval = 0.15,
        timeout = 0.9 }
    end, { server = { seconds = 0.1, queue = 5 } }).values[1]
    assert(result.ok < 15 and result.failed > 0, result.ok) -- those of the first 0.9 s
    equal(full_table.seen(result), nil)
  end
end)

test("a queue whose answers are large may be one of bytes: its kind is not known", function()
  local answer, o = find { server = { seconds = 0.0056, queue = 0.5 }, answer = 2000 }
  equal(answer.limit.kind, "unknown")
  contains(o.text, "one connection at a time, 5.60 ms each, or the bandwidth of its answers, "
    .. "2.86 Mbit/s")
end)

test("a target whose latency climbs with the load is of no known kind", function()
  local answer, o = find { knee = { rate = 1000 } }
  equal(answer.limit.kind, "unknown")
  contains(o.text, "Kind of limit: not known (")
end)

-- what, the device, words of the command line
for _, row in ipairs {
  { "--no-diagnose", { bucket = { rate = 300 } }, { "--no-diagnose" } },
  { "no limit", {}, { "--max-rate", "400" } },
  { "this machine's limit", { generator = { ceiling = 800 } } },
  { "a target that is unstable", { unstable = { above = 500 } } },
} do
  test(("%s: no kind is told, and no experiment made"):format(row[1]), function()
    local answer, o = find(row[2], row[3])
    equal(answer.limit, nil)
    equal(o.text:find("Kind of limit", 1, true), nil)
    equal(o.runs, #o.document.trials)
  end)
end

test("Ctrl-C in an experiment: the answer stands, its kind is not known", function()
  local device = { bucket = { rate = 300, burst = 30 } }
  local _, whole = find(device, { "--no-diagnose" })
  local answer, o = find(device, {}, { interrupt_at = whole.seconds + 2 })
  equal(o.status, 130)
  equal(answer.rate, whole.document.answer.rate)
  equal(answer.unfinished, false)
  contains(o.text, "Kind of limit: not known (interrupted).")
end)

-- A search whose target is a bucket of 300/s -> its outcome
local function outcome_of()
  local now = 0
  return search { length = 3, wait = function() end, now = function() return now end,
    trial = function(load)
      now = now + load.length
      return results.bucket(load.rate, load.length, 300, 30)
    end }
end
local OUTCOME <const> = outcome_of()

-- Diagnoses it by experiments that are made up: of a hold, of size, of overload (rate).
local function by(experiments)
  return diagnose(OUTCOME, function(load)
    local kind = load.hold and "hold" or load.content and "size" or "overload"
    local result = experiments[kind](load)
    if result then
      result.spec = { timeout = 0.9, hold = load.hold }
    end
    return result, not result and "bind: no" or nil
  end, "")
end

local function all(load)
  return results.clean(load.rate, load.length)
end

-- So many a second get through.
local function some(limit, burst)
  return function(load) return results.bucket(load.rate, load.length, limit, burst or 3) end
end

-- experiments; words of the reason for which the kind is not known
for _, row in ipairs {
  { "an experiment that cannot run", { hold = function() return nil end }, "bind: no" },
  { "one that is interrupted", { hold = function(load)
    return results.clean(load.rate, load.length, { interrupted = true })
  end }, "interrupted" },
  { "one in which this machine was late", { hold = function(load)
    return results.clean(load.rate, load.length,
      { verdict = "invalid", reasons = { { limit = "generator", text = "late starts" } } })
  end }, "this machine was the limit while connections were held (late starts)" },
  { "one in which this machine ran out of ports", { hold = all, size = function(load)
    return results.clean(load.rate, load.length, { failures = { ["no-port/connect"] = 1 } })
  end }, "this machine was the limit while requests were larger" },
  { "one through which nothing gets", { hold = function(load)
    return results.of(load.rate, load.length, function() return false end)
  end }, "nothing got through while connections were held" },
  { "a hold with which two thirds get through", { hold = some(210) },
    "neither the same nor in proportion" },
  { "a larger request that is not in proportion", { hold = all, size = some(10) },
    "larger requests do not get through in proportion to their size" },
  { "an overload that lets another rate through", { hold = all, size = all,
    overload = some(200) }, "at twice the rate 20" },
} do
  local what, experiments, reason = table.unpack(row)
  test(("%s: the kind is not known, and why is said"):format(what), function()
    local limit = by(experiments)
    equal(limit.kind, "unknown")
    contains(limit.reason, reason)
  end)
end

test("an overload in which all goes well contradicts the limit itself", function()
  local limit = by { hold = all, size = all, overload = all }
  equal(limit.kind, "unknown")
  equal(limit.contradicts, true)
end)

test("where all experiments agree, the kind is the rate's, with its burst", function()
  local limit = by { hold = all, size = all, overload = some(300, 30) }
  equal(limit.kind, "rate")
  assert(math.abs(limit.rate / 300 - 1) < 0.01, limit.rate)
  assert(math.abs(limit.burst - 30) <= 1, limit.burst)
end)

return t.finish()
