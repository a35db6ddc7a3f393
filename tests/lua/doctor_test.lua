-- What is said of this machine before a load: by the doctor, and by the scripts.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local dkjson = require "dkjson"
local preflight = require "tspam.preflight"
local test, equal, contains = t.test, t.equal, t.contains

local TSPAM <const> = "'" .. require("tspam").executable .. "' "

-- The doctor's finding that begins with these words, of a JSON document's list.
local function finding(list, what)
  for _, found in ipairs(list) do
    if found.what:find(what, 1, true) == 1 then
      return found
    end
  end
  error("no finding about " .. what)
end

local function doctor(words, before)
  local status, out, err = t.shell(("%s %s doctor %s --json -"):format(before or "", TSPAM, words))
  equal(err, "")
  equal(status, 0)
  return assert(dkjson.decode(out)).findings
end

local FEW <const> = "ulimit -n 500;"
local LOAD <const> = "-r 100 -l 3 --hold 2 -t 0.5"

test("what is said before a dry run is what its result says, and what the doctor says", function()
  local status, out, err = t.shell(FEW .. TSPAM .. "rate --json - " .. LOAD)
  equal(status, 0)
  local after = finding(assert(dkjson.decode(out)).runs[1].warnings, "open files")
  contains(after.need, "(2 x 100/s x 2.5 s timeout and hold + ")
  contains(err, ("%s: open files (RLIMIT_NOFILE): have 500, need %s;"):format(after.severity,
    after.need))
  equal(finding(doctor(LOAD, FEW), "open files").need, after.need)
end)

test("a dry run takes two descriptors a connection, a host one", function()
  contains(finding(doctor("-r 5k -l 60"), "open files").need, "(2 x 5k/s x 30 s timeout + ")
  contains(finding(doctor("-r 5k -l 60 -H 127.0.0.1"), "open files").need,
    "(5k/s x 30 s timeout + ")
  contains(select(2, t.shell(TSPAM .. "doctor")), "dry run: no --host, so both ends")
end)

test("the doctor heeds -4 and -6", function()
  local status, _, err = t.shell(TSPAM .. "doctor -6 -H 127.0.0.1")
  equal(status, 1)
  equal(err, "tspam: option '--host': cannot resolve '127.0.0.1': not an IPv6 address\n")
  doctor("-6 -I ::1")
  doctor("-6 -H ::1 -I ::1")
end)

test("the doctor takes a count, and a concurrency instead of a rate", function()
  contains(finding(doctor("-r 1k --count 50 -H 127.0.0.1"), "open files").need,
    "(50 connections + ")
  contains(finding(doctor("--concurrency 70 -H 127.0.0.1"), "open files").need, "(70 at once + ")
  local status, _, err = t.shell(TSPAM .. "doctor -r 5 --concurrency 5")
  equal(status, 2)
  equal(err, "tspam: options '--rate' and '--concurrency' cannot be used together\n")
  status, _, err = t.shell(TSPAM .. "doctor -l 5 --count 5")
  equal(status, 2)
  equal(err, "tspam: give 'length' or 'count', not both\n")
end)

-- What a ladder says, as one text; limits: { {from =, what =, severity =}, … }.
local function ladder(limits, from, to)
  local load, said = {}, {}
  local function find(spec)
    local list = {}
    for i, limit in ipairs(limits) do
      list[i] = { what = limit.what,
        severity = spec.rate >= limit.from and (limit.severity or "warning") or "ok" }
    end
    return list
  end
  for i, entry in ipairs(preflight.ladder(load, from, to, find)) do
    said[i] = ("%s %.0f"):format(entry.finding.what, entry.rate)
  end
  return table.concat(said, ", ")
end

test("a ladder names each limit once, with the first rate at which it bites", function()
  local limits = { { what = "ports", from = 700 }, { what = "files", from = 150 },
    { what = "table", from = 1, severity = "note" }, { what = "processor time", from = 5000 } }
  equal(ladder(limits, 50), "files 200, ports 800")
  equal(ladder(limits, 50, 600), "files 200")
  equal(ladder(limits, 50, 700), "files 200, ports 700")
  equal(ladder(limits, 50, 6000), "files 200, ports 800, processor time 6000")
  equal(ladder({}, 50), "")
  equal(ladder(limits, 5000), "")
  equal(ladder(limits, 5000, 5000), "ports 5000, files 5000, processor time 5000")
end)

test("saturate says beforehand which limits it will meet, and nothing where there is none",
  function()
    local words = TSPAM .. "saturate -r 50 -l 0.2 -o 0 --no-calibrate --max-rate 100 "
      .. "--goal 0.2/0.2/0.5%/0/5% 2>&1"
    local _, out = t.shell("ulimit -n 150;" .. words)
    local line = out:match("note: [^\n]*")
    contains(line, "note: from 100/s on: open files (RLIMIT_NOFILE): have 150, need ")
    contains(line, "; to mend it: as root: ulimit -Hn ")
    _, out = t.shell(words)
    assert(not out:find("note: ", 1, true), out)
  end)

return t.finish()
