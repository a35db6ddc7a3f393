-- A result as JSON says what it takes to measure the same again: the command, when, where,
-- by which tspam, and the load in force.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local dkjson = require "dkjson"
local origin = require "tspam.origin"
local test, equal = t.test, t.equal

local TSPAM <const> = tspam.executable

-- The document that a command of tspam writes to stdout.
local function document(command)
  local _, out, err = t.shell(command)
  local value, _, problem = dkjson.decode(out)
  return assert(value, problem and err .. problem)
end

-- Are two values of JSON the same?
local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return a == b
  end
  for key, value in pairs(a) do
    if not same(value, b[key]) then
      return false, key
    end
  end
  for key in pairs(b) do
    if a[key] == nil then
      return false, key
    end
  end
  return true
end

local function first_line(command)
  return (select(2, t.shell(command)):match("^[^\n]*"))
end

test("a command line is quoted so that bash reads the same words", function()
  local words = { [0] = "./ts pam", "it's", "", "$HOME `id` \\ \"x\"", "~", "a*", "-r", "5k",
    "p99<50ms", "two\nlines\t", "caf\u{e9}", "\xff\xfe'", "--x=y", "#", "!", "\127" }
  local line = origin.line(words)
  assert(utf8.len(line) and not line:find("%c"), line)
  local _, out = t.shell("bash -c " .. origin.line { [0] = "printf '<%s>\\0' " .. line })
  local want = {}
  for i = 0, #words do
    want[#want + 1] = "<" .. words[i] .. ">\0"
  end
  equal(out, table.concat(want))
end)

test("words that need no quotes have none", function()
  equal(origin.line { [0] = "tspam", "rate", "-H", "192.0.2.7", "-r", "2k", "--hold=0.5" },
    "tspam rate -H 192.0.2.7 -r 2k --hold=0.5")
end)

test("the document says which command, when, where and by which tspam", function()
  local words = "rate -r 50 -l 0.1 --quiet --json - --require 'p99<1h'"
  local before = os.date("!%Y-%m-%dT%H:%M:%SZ")
  local value = document("'" .. TSPAM .. "' " .. words)
  equal(value.command, origin.line { [0] = TSPAM } .. " " .. words)
  assert(value.date >= before and value.date <= os.date("!%Y-%m-%dT%H:%M:%SZ"), value.date)
  equal(value.host, first_line("uname -n"))
  equal(value.kernel, first_line("uname -srm"))
  equal(value.cpus, tonumber(first_line("nproc")))
  equal(value.version, tspam.version)
  equal(value.commit, tspam.versions.commit)
  assert(value.commit == nil or value.commit:find("^%x+$") or value.commit:find("^%x+%-dirty$"))
end)

test("processors that this process may not use are not counted", function()
  equal(document("taskset -c 0 '" .. TSPAM .. "' doctor --json -").cpus, 1)
end)

-- A target of our own that stays, so that a second command reaches it.
local server <close> = assert(tspam.server { listen = "127.0.0.1", port = 0, content = "pong" })

-- A file with a name that needs quotes, and its text.
local function content_file(text)
  local path = os.tmpname() .. " it's"
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  return path
end

test("the command of a document, run again, has the same load in force", function()
  local path = content_file("ping")
  local command = origin.line { [0] = TSPAM, "rate", "-H", "localhost", "-4", "-p",
    tostring(server.port), "-r", "333.5", "-r", "20", "-l", "150ms", "-t", "2", "--arrivals",
    "poisson", "--seed", "7", "-c", path, "--expect", "4", "--quiet", "--json", "-" }
  local one = document(command)
  local two = document(one.command)
  os.remove(path)
  equal(two.command, one.command)
  equal(#one.runs, 2)
  for i, run in ipairs(one.runs) do
    local as_before, key = same(run.spec, two.runs[i].spec)
    assert(as_before, key)
  end
  equal(one.runs[1].spec.rate, 333.5)
  equal(one.runs[2].spec.content.bytes, 4)
end)

-- What tspam.run takes of the spec of a document.
local function fields_of(spec, content)
  local fields = {}
  for name, value in pairs(spec) do
    fields[name] = value
  end
  fields.content = content
  return fields
end

for _, row in ipairs {
  { "a rate", { rate = 120, length = 0.2, label = "x", max_open = 50 } },
  { "a ramp", { rate = 10, rate_to = 90, length = 0.2, timeout = "900ms" } },
  { "stages", { stages = { { rate = 50, length = 0.1 }, { rate = 50, rate_to = 0,
    length = 0.1 } } } },
  { "a closed loop", { concurrency = 3, count = 20, workers = 2, hold = 0.01 } },
  { "a walk", { rate = 100, count = 10, local_ips = "127.0.0.1-127.0.0.3",
    local_ports = "21500-21999/2", close = "reset", coalesce_fin = true } },
} do
  local name, load = table.unpack(row)
  test("the spec of " .. name .. ", given to tspam.run again, is in force again", function()
    local report = require "tspam.to_json"
    local json = require "tspam.json"
    load.port, load.content = server.port, "ping\0"
    local once = assert(tspam.run(load))
    local spec = dkjson.decode(json.encode(report.run(once))).spec
    equal(spec.content.bytes, 5)
    local again = assert(tspam.run(fields_of(spec, load.content)))
    local as_before, key = same(spec, dkjson.decode(json.encode(report.run(again))).spec)
    assert(as_before, key)
  end)
end

test("what was left to tspam or this machine is in the spec as it was decided", function()
  local r = assert(tspam.run { host = "localhost", port = server.port, rate = 20, length = 0.1 })
  equal(r.spec.host, r.target.address)
  equal(r.target.host, "localhost")
  equal(r.spec.workers, tspam.machine().cpus)
  equal(r.spec.local_ports, "kernel")
  equal(r.spec.timeout, 30)
  equal(r.spec.max_open, nil)
end)

test("where tspam took over the ports by itself, the spec says walk", function()
  local r = assert(tspam.run { port = server.port, rate = 2e4, length = 60, interval = 0.05,
    on_interval = function() return false end })
  equal(r.sources.picked_by, "tspam")
  equal(r.spec.local_ports, "walk")
end)

test("content is told by size and SHA-256, a file by its name too", function()
  local path = content_file(("x"):rep(100000))
  local r = assert(tspam.run { port = server.port, rate = 20, length = 0.1, content_file = path })
  local sum = first_line("sha256sum < " .. origin.line { [0] = path }):match("^%x+")
  os.remove(path)
  equal(r.spec.content.bytes, 100000)
  equal(r.spec.content.sha256, sum)
  equal(r.spec.content_file, path)
end)

test("capacity tells the hold that was in force", function()
  local run = document("'" .. TSPAM .. "' capacity -r 20 --hold 1 --quiet --json -").runs[1]
  equal(run.spec.hold, 11)
  equal(run.spec.local_ports, "walk")
end)

return t.finish()
