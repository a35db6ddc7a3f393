-- stepup, the script as it is, on results of known figures in place of a network.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local fixture = require "fixture"
local dkjson = require "dkjson"
local tspam = require "tspam"
local test, equal, contains = t.test, t.equal, t.contains

local real = { run = tspam.run, interrupted = tspam.interrupted }

-- What a device that always answers in 1 ms makes of a load; changes are laid over it.
local function well(rate, changes)
  local n = math.floor(rate)
  local result = { rate = rate, achieved = rate, due = n, started = n, ok = n, failed = 0,
    failures = {}, latency = fixture.hist { 0.001 } }
  for name, value in pairs(changes or {}) do
    result[name] = value
  end
  return fixture.result(result)
end

-- Runs the script on a device: a function rate -> result. -> status, text, rates tried
local function stepup(words, device)
  local rates, out, terminal = {}, t.buffer(), io.stdout
  function tspam.run(spec)
    rates[#rates + 1] = ("%g"):format(spec.rate)
    return device(spec.rate)
  end
  arg = { [0] = "stepup", "-H", "127.0.0.1", "--quiet" }
  for word in words:gmatch("%S+") do
    arg[#arg + 1] = word
  end
  io.stdout = out
  local fine, status = pcall(assert(loadfile(tspam.scripts .. "/stepup.lua")))
  io.stdout = terminal
  for name, call in pairs(real) do
    tspam[name] = call
  end
  assert(fine, status)
  return status, out.text, table.concat(rates, " ")
end

test("it climbs by the factor until the median has doubled, and tells the step before", function()
  local status, text, rates = stepup("--start 100", function(rate)
    return well(rate, rate > 180 and { latency = fixture.hist { 0.0025 } })
  end)
  equal(status, 0)
  equal(rates, "100 125 156.25 195.312")
  contains(text, "156/s went well; at 195/s, the median latency was 2.50 ms, 2.5 times that of "
    .. "the first step.\n")
  contains(text, "\n     156/s      156/s    1.00 ms    1.00 ms      0 %  well\n")
  contains(text, "\n     195/s      195/s    2.50 ms    2.50 ms      0 %  the last\n")
end)

test("failures above --max-failures end it, with their cause", function()
  local function device(rate)
    return well(rate, { ok = rate - 4, failed = 4, failures = { ["timeout/connect"] = 4 } })
  end
  local _, text = stepup("--start 1000 -i 2 --max-rate 2k", device)
  contains(text, "No limit found up to 2,000/s (--max-rate).\n")
  local status
  status, text = stepup("--start 1000 --max-failures 0.3%", device)
  equal(status, 4)
  contains(text, "No rate went well; at 1,000/s, 0.4 % failed: timeout/connect 4.\n")
end)

test("this machine's own limit is not the target's: said, and exit 4", function()
  local status, text = stepup("--start 100 -i 2", function(rate)
    return well(rate, rate > 150 and { verdict = "invalid",
      reasons = { { limit = "generator", what = "own CPU", text = "own CPU: it was busy" } } })
  end)
  equal(status, 4)
  contains(text, "100/s went well; at 200/s, this machine was the limit, not the target: "
    .. "own CPU: it was busy.\n")
end)

test("the last step is made at --max-rate", function()
  local status, text, rates = stepup("--max-rate 80", well)
  equal(status, 0)
  equal(rates, "50 62.5 78.125 80")
  contains(text, "No limit found up to 80/s (--max-rate).\n")
end)

test("the answer can be required, and is in the JSON", function()
  equal(stepup("--max-rate 80 --require answer>70", well), 0)
  equal(stepup("--max-rate 80 --require answer>90", well), 3)
  local _, text = stepup("--start 100 -i 2 --json -", function(rate)
    return well(rate, rate > 150 and { latency = fixture.hist { 0.003 } })
  end)
  local value = assert(dkjson.decode(text))
  equal(value.schema, "tspam.stepup/1")
  equal(#value.runs, 2)
  equal(value.answer.rate, 100)
  equal(value.answer.limited_by, "target")
  contains(value.answer.reason, "at 200/s, the median latency was 3.00 ms, 3.0 times")
end)

test("a signal ends it, and what went well until then is told", function()
  local status, text = stepup("--start 100 -i 2", function(rate)
    local last = rate > 150
    tspam.interrupted = function() return last and 2 or nil end
    return well(rate, { interrupted = last })
  end)
  equal(status, 130)
  contains(text, "100/s went well; at 200/s, the search was interrupted.\n")
end)

return t.finish()
