-- saturate: its source ports, its search against servers of our own.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local dkjson = require "dkjson"
local port_walk = require "tspam.port_walk"
local test, equal, contains = t.test, t.equal, t.contains

local TSPAM <const> = "'" .. require("tspam").executable .. "' saturate "
--- A search that is soon over: one trial decides.
local SOON <const> = "--start 20 --max-rate 25 -l 0.2 -o 0 -s 1000 --goal 0.2/0.2/0.5%/0/5% "

test("runs go through the range one after the other, and begin anew at its end", function()
  local walk = port_walk.new("1000-1999")
  equal(walk:take(100), "1000-1165")
  equal(walk:take(300), "1166-1535")
  equal(walk.shortest, nil)
  equal(walk:take(600), "1000-1675")
  assert(walk.shortest and walk.shortest >= 0)
end)

test("a port rests from the end of the run that had it, not from its start", function()
  local walk = port_walk.new("1000-1099")
  walk:take(100)
  require("tspam").sleep(0.05)
  walk:ended()
  walk:take(100)
  assert(walk.shortest < 0.04, walk.shortest)
end)

test("a run that needs more ports than there are gets all", function()
  local walk = port_walk.new("1000-1999")
  equal(walk:take(5000), "1000-1999")
  equal(walk:take(10), "1000-1074")
end)

test("several addresses need fewer ports each", function()
  equal(port_walk.new("1000-1999", 4):take(400), "1000-1165")
end)

test("the half of the kernel's range that it takes last is walked by every second port", function()
  local lo, hi = port_walk.own_half():match("^(%d+)%-(%d+)/2$")
  assert(tonumber(lo) < tonumber(hi))
  local walk = port_walk.new("1001-1999/2")
  equal(walk:take(100), "1001-1331/2")
  equal(walk:take(100), "1333-1663/2")
  equal(walk:take(1000), "1001-1999/2")
end)

local function run(words)
  local status, out, err = t.shell(TSPAM .. words .. " --quiet --json -")
  local value = dkjson.decode(out)
  return status, value, err
end

-- The one search in real time: that all of it hangs together. What it answers is told of a
-- simulated devices (search_test, search_faults_test, diagnose_test), and behind the bed.
test("a search of our own server has its document, and runs its command", function()
  local status, value, err = run("--start 200 --max-rate 250 -l 0.2 -o 0 -s 1000 --no-calibrate "
    .. "--between 'echo flushed'")
  equal(status, 0)
  equal(value.schema, "tspam.saturate/1")
  local made = 0
  for _, trial in ipairs(value.trials) do
    made = made + trial.started
    assert(trial.trial ~= "fail", trial.why)
  end
  equal(value.connections, made)
  equal(err, ("flushed\n"):rep(#value.trials - 1)) -- on stderr: stdout is the result's
end)

test("a closed port ends the search at once, with the failures and status 4", function()
  local status, value = run("-H 127.0.0.1 -p 1 --start 50 -l 0.4 --no-calibrate")
  equal(status, 4)
  local last = value.trials[#value.trials]
  equal(last.trial, "fail")
  equal(last.why, "100 % lost (mostly refused/connect); the goal is 0.5 %")
  equal(#value.trials, 2) -- the second at a lower rate
  contains(value.answer.reason, "already at the lowest rate, 50/s, 100 % failed: "
    .. "refused/connect 20; does anything listen on 127.0.0.1 port 1?")
end)

-- option, what it is refused with
for _, row in ipairs {
  { "-i 1", "option '--increment': a number wanted, above 1 and at most 100, got '1'" },
  { "-s 0.5", "option '--slowdown': a number wanted, above 1 and at most 1,000,000, got '0.5'" },
  { "--precision 0", "option '--precision': a share with its %, like \"0.5%\", wanted, "
    .. "above 0% and at most 100%, got '0'" },
  { "--start 5k --max-rate 1k",
    "option '--start': 5000 is above the ceiling of the search, --max-rate 1000" },
  { "--calibrate --no-calibrate",
    "options '--calibrate' and '--no-calibrate' cannot be used together" },
  { "--diagnose --no-diagnose",
    "options '--diagnose' and '--no-diagnose' cannot be used together" },
  { "--goal 60/120", "option '--goal': rfc2544, tst009 or FINAL/SUM/LOSS/EXCEED/WIDTH like "
    .. "'60/120/0.5%/50%/2.5%' wanted (trial duration and duration sum in seconds), got '60/120'" },
} do
  test(("'%s' is refused in one line"):format(row[1]), function()
    local status, out, err = t.shell(TSPAM .. row[1])
    equal(status, 2)
    equal(out, "")
    equal(err, "tspam: " .. row[2] .. "\n")
  end)
end

test("Ctrl-C in a trial gives the report so far", function()
  local status, value = run("--start 20 -l 1 -o 0 --no-calibrate "
    .. "--between '(sleep 0.3; kill -INT $PPID) &'")
  equal(status, 130)
  equal(value.interrupted, true)
  equal(value.answer.reason, "interrupted")
  equal(value.trials[#value.trials].why, "interrupted")
  equal(value.trials[#value.trials].interrupted, true)
end)

test("a command that fails ends the script with its name and status", function()
  local status, value, err = run(SOON .. "--between 'exit 7'")
  equal(status, 1)
  equal(err, "tspam: --between: 'exit 7' ended with status 7\n")
  equal(value.answer.reason, "--between: 'exit 7' ended with status 7")
end)

test("a command has the limit of open files and the SIGPIPE that tspam was started with", function()
  local _, _, err = t.shell("ulimit -Sn 300\n" .. TSPAM .. SOON
    .. "--no-calibrate --quiet --between 'ulimit -Sn; yes | head -n 1'")
  contains(err, "300\ny\n")
  equal((err:gsub("300\ny\n", "")), "") -- once between every two trials, nothing else
end)

test("Ctrl-C while the command runs ends the script as interrupted", function()
  local status, out, err = t.shell(TSPAM .. SOON .. "--no-calibrate --quiet "
    .. "--between 'kill -INT $PPID; exit 130'")
  equal(status, 130)
  equal(err, "")
  contains(out, "(interrupted): ")
end)

return t.finish()
