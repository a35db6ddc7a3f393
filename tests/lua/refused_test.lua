-- What the machine refuses in the middle of a script: what was measured until then is
-- told all the same, in the text and as JSON, and the refusal with it.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local dkjson = require "dkjson"
local test, equal, contains = t.test, t.equal, t.contains

-- A shipped script, whose n-th run the machine refuses.
local SCRIPT <const> = [[
local run, runs = tspam.run, 0
function tspam.run(spec)
  runs = runs + 1
  if runs == %d then
    return nil, "worker 1: Cannot allocate memory", 12
  end
  %s
  return run(spec)
end
return dofile(tspam.scripts .. "/%s.lua")
]]

-- -> exit status, text, stderr, the JSON document (nil: there is no file)
local function refused(n, name, words, extra)
  local script, path = os.tmpname(), os.tmpname()
  local file = assert(io.open(script, "w"))
  file:write(SCRIPT:format(n, extra or "", name))
  file:close()
  os.remove(path)
  local status, out, err = t.shell(("'%s' %s %s --quiet --json %s"):format(tspam.executable,
    script, words, path))
  os.remove(script)
  local document = io.open(path)
  if not document then
    return status, out, err
  end
  local value = assert(dkjson.decode(document:read("a")))
  document:close()
  os.remove(path)
  return status, out, err, value
end

test("a rate that is refused does not lose the report and the JSON of the rates before it",
  function()
    local status, out, err, value = refused(3, "rate", "-r 100 -r 200 -r 300 -r 400 -l 0.1")
    equal(status, 1)
    equal(err, "tspam: 300/s: worker 1: Cannot allocate memory\n")
    contains(out, "This machine refused a rate: 2 of 4 rates were measured.\n")
    equal(#value.runs, 2)
    equal(value.runs[1].due, 10)
    equal(value.runs[2].due, 20)
    equal(value.ok, false)
    equal(value.error.rate, 300)
    equal(value.error.text, "300/s: worker 1: Cannot allocate memory")
  end)

test("a first rate that is refused is one line and no JSON", function()
  local status, out, err, value = refused(1, "rate", "-r 100 -r 200 -l 0.1")
  equal(status, 1)
  equal(out, "")
  equal(err, "tspam: worker 1: Cannot allocate memory\n")
  equal(value, nil)
end)

test("a requirement that holds is told, and does not make a refused script ok", function()
  local status, out, _, value = refused(2, "rate", "-r 100 -r 200 -l 0.1 --require 'ok==10'")
  equal(status, 1)
  contains(out, "required: ok==10: held")
  equal(value.requirements[1].ok, true)
  equal(value.ok, false)
end)

test("a trial that is refused ends saturate with its report, its JSON and the refusal in it",
  function()
    local status, out, err, value = refused(3, "saturate",
      "--start 50 --max-rate 200 -l 0.2 -o 0 --no-calibrate")
    equal(status, 1)
    equal(err, "tspam: worker 1: Cannot allocate memory\n")
    contains(out, "The search ended early")
    equal(#value.trials, 2)
    equal(value.error.text, "worker 1: Cannot allocate memory")
    equal(value.ok, false)
  end)

test("a look for recovery that is refused does not lose what capacity measured", function()
  local status, out, err, value = refused(2, "capacity", "-r 50 --hold 3 --recover",
    -- A target that holds five.
    [[Small = assert(tspam.server { listen = "127.0.0.1", port = 0, max_open = 5, acceptors = 1 })
    spec.port = Small.port]])
  equal(status, 1)
  equal(err, "tspam: --recover: worker 1: Cannot allocate memory\n")
  contains(out, "open at once")
  -- Unless something else kept this machine busy meanwhile.
  equal(value.answer.limited_by,
    value.runs[1].verdict == "valid" and "target" or value.runs[1].limited_by)
  equal(value.error.text, "--recover: worker 1: Cannot allocate memory")
  equal(#value.runs, 1)
end)

return t.finish()
