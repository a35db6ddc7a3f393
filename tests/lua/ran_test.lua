-- What tests/ran.lua makes of ctest's reports: a skip and a missing test do not pass unseen.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local test, equal, contains = t.test, t.equal, t.contains

local ROOT <const> = os.getenv("TSPAM_SOURCE") or arg[0]:match("^(.-)[^/]*$") .. "../.."
local HOME <const> = os.tmpname()

local function write(name, text)
  local file <close> = assert(io.open(HOME .. name, "w"))
  file:write(text)
end

-- One test of ctest's JUnit report.
local function case(name, status, output)
  return ('<testcase name="%s" classname="%s" time="0" status="%s">\n\t\t%s<system-out>%s'
    .. "</system-out>\n\t</testcase>\n"):format(name, name, status,
    status == "notrun" and '<skipped message="SKIP_RETURN_CODE=77"/>' or "", output)
end

local LISTING <const> = [[{ "tests": [
  { "name": "unit.a", "properties": [ { "name": "LABELS", "value": [ "unit", "threads" ] } ] },
  { "name": "bed.b", "properties": [ { "name": "LABELS", "value": [ "bed" ] },
                                     { "name": "TIMEOUT", "value": 60 } ] } ] }]]

local GOOD <const> = case("unit.a", "run", "[       OK ] it_holds\n")
  .. case("bed.b", "run", "3 passed, 0 failed\n")

-- ran(JUNIT [, options]) -> exit status, stdout, stderr
local function ran(cases, options)
  options = options or {}
  write("junit", '<testsuite tests="2">\n' .. cases .. "</testsuite>\n")
  write("listing", LISTING)
  write("counts", options.counts or "# none\n")
  write("skips", options.skips or "# none\n")
  local words = { "'" .. tspam.executable .. "'", "'" .. ROOT .. "/tests/ran.lua'",
    options.lax and "" or "--strict", "figures", options.mode or "default" }
  for _, name in ipairs { "junit", "listing", "counts", "skips" } do
    words[#words + 1] = HOME .. name
  end
  return t.shell(table.concat(words, " "))
end

test("it is said how many tests of each label ran", function()
  local status, out, err = ran(GOOD)
  equal(out, "ran in figures: 2 tests (1 bed, 1 threads, 1 unit), 0 skipped\n")
  equal(err, "")
  equal(status, 0)
end)

local SKIPPED <const> = case("unit.a", "run", "") .. case("bed.b", "notrun",
  "ok - one\nskipped: no nft\n")

test("a skip that no reason is given for is a failure", function()
  local status, out, err = ran(SKIPPED)
  equal(status, 1)
  contains(out, "1 tests (1 threads, 1 unit), 1 skipped\nskipped bed.b: no nft\n")
  contains(err, "bed.b was skipped")
end)

test("where nobody is strict a skip is only said", function()
  local status, out, err = ran(SKIPPED, { lax = true })
  equal(status, 0)
  contains(out, "skipped bed.b: no nft\n")
  equal(err, "")
end)

test("a skip with its reason is none", function()
  local status, out = ran(SKIPPED, { skips = "# of one\nbed.b this kernel has no table\n" })
  equal(status, 0)
  contains(out, "skipped bed.b: no nft (listed: this kernel has no table)\n")
end)

test("a listed skip needs a reason", function()
  local status, _, err = ran(SKIPPED, { skips = "bed.b\n" })
  equal(status, 1)
  contains(err, "a name without a reason: bed.b")
end)

test("what a test that passed left out is a skip", function()
  local status, out, err = ran(case("unit.a", "run", "[ RUN      ] it_holds\n"
    .. "[  SKIPPED ] it_holds\n[  SKIPPED ] [ a ]: 1 test(s), listed below:\n"
    .. "[  SKIPPED ] it_holds\n") .. case("bed.b", "run", "ok\nskipped: wrk is not installed\n"))
  equal(status, 1)
  contains(out, "2 tests (1 bed, 1 threads, 1 unit), 2 skipped\n")
  contains(err, "unit.a/it_holds was skipped")
  contains(err, "bed.b was skipped")
end)

test("a test that failed has run", function()
  local status, out = ran(case("unit.a", "fail", "") .. case("bed.b", "run", ""))
  equal(status, 0) -- ctest itself says that it failed
  contains(out, "2 tests (")
end)

local COUNTS <const> = "figures bed 1 2\nfigures slow 0 1\nthreads unit 9 9\n"

test("as many as are kept are enough", function()
  equal((ran(GOOD, { counts = COUNTS })), 0)
end)

test("fewer tests of a label than are kept is a failure", function()
  local status, _, err = ran(GOOD, { counts = COUNTS, mode = "slow", lax = true })
  equal(status, 1)
  contains(err, "1 tests of label bed ran, not 2 or more")
  contains(err, "0 tests of label slow ran, not 1 or more")
end)

test("a skipped test does not count as one that ran", function()
  local status, _, err = ran(SKIPPED, { counts = COUNTS, lax = true })
  equal(status, 1)
  contains(err, "0 tests of label bed ran, not 1 or more")
end)

for _, name in ipairs { "", "junit", "listing", "counts", "skips" } do
  os.remove(HOME .. name)
end
return t.finish()
