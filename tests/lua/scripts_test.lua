-- Every shipped script, run short by this very executable.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local dkjson = require "dkjson"
local shipped = require "tspam.shipped"
local test, equal, contains = t.test, t.equal, t.contains

local TSPAM <const> = "'" .. tspam.executable .. "' "

local function run(words)
  return t.shell(TSPAM .. words)
end

local function json(words)
  local status, out, err = run(words .. " --json -")
  local value, _, problem = dkjson.decode(out)
  assert(value, problem)
  return value, status, err
end

for _, script in ipairs(shipped.list()) do
  test(script.name .. " prints its help on stdout", function()
    local status, out, err = run(script.name .. " --help")
    equal(status, 0)
    equal(err, "")
    contains(out, "Usage: tspam " .. script.name .. " [options]")
    contains(out, "--json <file>")
  end)
  test(script.name .. " refuses an unknown option in one line", function()
    local status, out, err = run(script.name .. " --jsn x")
    equal(status, 2)
    equal(out, "")
    equal(err, "tspam: unknown option '--jsn': did you mean '--json'?\n")
  end)
  test(script.name .. " begins with #! and a sentence", function()
    local file <close> = assert(io.open(("%s/%s.lua"):format(tspam.scripts, script.name)))
    equal(file:read("l"), "#!/usr/bin/env tspam")
    assert(file:read("l"):find("^%-%- %u.*%.$"))
  end)
end

-- The document of each script, run short: its top-level fields (API.md, 4). A soak of
-- 20 connections cannot pass, which is no answer.
local EVERY <const> = "version command date host kernel cpus "
  .. (tspam.versions.commit and "commit " or "")
local COMMON <const> = EVERY .. "interrupted ok requirements target "

-- A server is stopped once it listens: before, a signal would end it without a report.
local function until_it_listens(command)
  local log = os.tmpname()
  return ([[%s 2>%s & i=0
    until grep -q listening %s || [ $((i += 1)) -gt 400 ]; do sleep 0.05; done
    kill -INT $!; wait $!; status=$?; rm %s; exit $status]]):format(
    command:gsub(" %-%-quiet", ""), log, log, log)
end

for _, row in ipairs {
  { "rate", "-r 20 -l 0.2", COMMON .. "runs" },
  { "ramp", "--from 10 --to 20 -l 0.2", COMMON .. "runs", "rate" },
  { "saturate", "--start 20 --max-rate 22 -l 0.2 -o 0 --goal 0.2/0.2/0.5%/0/5%",
    COMMON .. "answer ceiling connections outages trials" },
  { "stepup", "--start 20 --max-rate 22 -l 0.2 -s 1000", COMMON .. "answer runs" },
  { "capacity", "-r 50 --hold 1", COMMON .. "answer runs" },
  { "soak", "-r 20 -l 1", COMMON .. "answer runs" },
  { "server", "-p 0", EVERY .. "listen stats" },
  { "doctor", "", EVERY .. "findings" },
} do
  local name, words, wanted, kind = table.unpack(row)
  test(name .. " --json has the fields that it should", function()
    local command = TSPAM .. name .. " --quiet --json - " .. words
    local status, out, err = t.shell(name == "server" and until_it_listens(command) or command)
    local value = assert(dkjson.decode(out), err)
    equal(status, name == "soak" and 4 or 0)
    equal(value.schema, ("tspam.%s/1"):format(kind or name))
    value.schema = nil
    for key in wanted:gmatch("%S+") do
      assert(value[key] ~= nil, key)
      value[key] = nil
    end
    equal(next(value), nil)
  end)
end

test("rate opens exactly what several rates are due", function()
  local value, status, err = json("rate -r 100 -r 210 -l 0.5")
  equal(status, 0)
  contains(err, "dry run: no --host, so a server of our own answers on 127.0.0.1:")
  equal(value.schema, "tspam.rate/1")
  equal(value.version, tspam.version)
  equal(value.interrupted, false)
  equal(value.target.host, "127.0.0.1")
  equal(#value.runs, 2)
  for i, due in ipairs { 50, 105 } do
    equal(value.runs[i].due, due)
    equal(value.runs[i].ok, due)
    equal(value.runs[i].phases.latency.count, due)
  end
  equal(value.ok, true)
end)

test("rate's text has the figures of the original tool", function()
  local status, out, err = run("rate -r 50 -l 0.2 --quiet")
  equal(status, 0)
  equal(err, "")
  for _, name in ipairs { "minimum", "maximum", "mean", "median", "90th percentile" } do
    contains(out, name)
  end
  assert(out:find("ok +10  100 %%"), out)
end)

test("a dry run is said in the text, and a range of ports to its end", function()
  local _, out = run("rate -p 23457-23459 -r 50 -l 0.2 --quiet")
  contains(out:match("^[^\n]*"), "127.0.0.1:23457-23459 (dry run: a server of our own)")
  local target = json("rate -p 23457-23459 -r 50 -l 0.2 --quiet").target
  equal(target.port, 23457)
  equal(target.port_to, 23459)
  equal(target.dry_run, true)
  _, out = run("rate -H 127.0.0.1 -p 1 -r 50 -l 0.1 --quiet")
  assert(not out:find("dry run", 1, true), out)
end)

test("rate takes a count, and a concurrency instead of a rate", function()
  equal(json("rate -r 1k --count 30 --quiet").runs[1].due, 30)
  local closed = json("rate --concurrency 4 --count 40 --quiet").runs[1]
  equal(closed.ok, 40)
  equal(closed.phases.lag, nil)
end)

test("rate measures over IPv6 and with content both ways", function()
  local content = os.tmpname()
  local file = assert(io.open(content, "w"))
  file:write("ping")
  file:close()
  local value = json(("rate -6 -r 50 -l 0.2 -c %s --expect 100 --quiet"):format(content))
  os.remove(content)
  equal(value.target.address, "::1")
  equal(value.runs[1].ok, 10)
  equal(value.runs[1].bytes_sent, 40)
  equal(value.runs[1].bytes_received, 1000)
end)

test("a closed port is a measurement: all refused, said in words", function()
  local value = json("rate -H 127.0.0.1 -p 1 -r 100 -l 0.2 --quiet")
  equal(value.runs[1].failures["refused/connect"], 20)
  local _, out = run("rate -H 127.0.0.1 -p 1 -r 100 -l 0.2 --quiet")
  contains(out, "All connections failed the same way: refused/connect - nothing listens there")
end)

test("a requirement that does not hold gives 3, one that holds 0", function()
  local value, status = json("rate -r 50 -l 0.2 --quiet --require 'failed<1%' --require 'p99<1ns'")
  equal(status, 3)
  equal(value.ok, false)
  equal(value.requirements[1].ok, true)
  equal(value.requirements[1].got, 0)
  equal(value.requirements[2].expr, "p99<1ns")
  equal(value.requirements[2].ok, false)
  equal(run("rate -r 50 -l 0.2 --quiet --require 'ok==10' >/dev/null"), 0)
end)

test("ramp counts the whole climb and prints its seconds", function()
  local value = json("ramp --from 0 --to 100 -l 1 --quiet")
  equal(value.runs[1].due, 50)
  equal(value.runs[1].ok, 50)
  local status, out = run("ramp --from 100 --to 0 -l 1.2 --quiet")
  equal(status, 0)
  assert(out:find("opened +%d+  ok +%d+  failed +0  median"), out)
end)

test("doctor names what it looked at and what mends it, and changes nothing", function()
  local value, status = json("doctor -r 100k -l 60")
  equal(status, 0)
  equal(value.schema, "tspam.doctor/1")
  assert(#value.findings > 0)
  for _, finding in ipairs(value.findings) do
    assert(finding.severity and finding.what and finding.have and finding.need)
  end
  local _, out = run("doctor -r 100k -l 60")
  contains(out, value.findings[1].what)
end)

test("the JSON goes to a file beside the text", function()
  local path = os.tmpname()
  local status, out = run(("rate -r 50 -l 0.1 --quiet --json %s"):format(path))
  equal(status, 0)
  contains(out, "90th percentile")
  local file <close> = assert(io.open(path))
  equal(dkjson.decode(file:read("a")).runs[1].due, 5)
  os.remove(path)
end)

return t.finish()
