-- tspam --copy: a shipped script of one's own, alone or with its modules.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local dkjson = require "dkjson"
local test, equal, contains = t.test, t.equal, t.contains

local TSPAM <const> = "'" .. tspam.executable .. "' "
local HOME <const> = os.tmpname()
os.remove(HOME)

-- With the modules inside the executable, whatever the caller's LUA_PATH is: of that this is about.
local function run(words)
  return t.shell("unset LUA_PATH LUA_PATH_5_4\n" .. TSPAM .. words)
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

-- Every file below a folder, one a line, sorted.
local function files(folder)
  return (select(2, t.shell(("cd '%s' && find . -type f | sort"):format(folder))))
end

-- A test with a folder of its own.
local function test_in(sentence, fn)
  test(sentence, function()
    t.shell("mkdir -p " .. HOME)
    local fine, problem = pcall(fn)
    t.shell("rm -r " .. HOME)
    assert(fine, problem)
  end)
end

test_in("--copy writes a shipped script once and never overwrites", function()
  local status, out = run("--copy ramp " .. HOME)
  equal(status, 0)
  equal(out, ("wrote %s/ramp.lua; run it by: tspam %s/ramp.lua\n"):format(HOME, HOME))
  equal(read(HOME .. "/ramp.lua"), read(tspam.scripts .. "/ramp.lua"))
  write(HOME .. "/ramp.lua", "mine")
  local err
  status, out, err = run("--copy ramp " .. HOME .. "/")
  equal(status, 1)
  equal(out, "")
  equal(err, ("tspam: --copy: '%s/ramp.lua' exists already and is not overwritten; nothing was "
    .. "copied: name another folder\n"):format(HOME))
  equal(read(HOME .. "/ramp.lua"), "mine")
  equal(files(HOME), "./ramp.lua\n")
end)

test_in("--copy of what is not shipped, or to nowhere, writes nothing and says what mends it",
  function()
    local status, _, err = run("--copy rmap " .. HOME)
    equal(status, 2)
    equal(err, "tspam: --copy: no shipped script 'rmap': did you mean 'ramp'?\n")
    equal(run("--copy ../../etc/passwd " .. HOME), 2)
    status, _, err = run("--copy rate " .. HOME .. "/none")
    equal(status, 1)
    equal(err, ("tspam: --copy: cannot write %s/none/rate.lua: No such file or directory; "
      .. "make the folder first: mkdir -p '%s/none'\n"):format(HOME, HOME))
    equal(files(HOME), "")
  end)

test("--copy takes a name, at most one folder, and no other option", function()
  local usage = "tspam: --copy takes the name of a shipped script and a folder: "
    .. "--copy NAME [DIR] [--with-modules]\n"
  for _, words in ipairs { "--copy", "--copy --with-modules", "--copy ramp a b" } do
    local status, _, err = run(words)
    equal(status, 2)
    equal(err, usage)
  end
  local status, _, err = run("--copy ramp --with-module")
  equal(status, 2)
  equal(err, "tspam: unknown option '--with-module': did you mean '--with-modules'?\n")
  status, _, err = run("--with-modules ramp")
  equal(status, 2)
  equal(err, "tspam: --with-modules goes with --copy NAME\n")
end)

test_in("a copied script runs from its new place", function()
  run("--copy ramp " .. HOME)
  local status, out = run(HOME .. "/ramp.lua --help")
  equal(status, 0)
  contains(out, "Usage: tspam ramp [options]")
end)

test_in("--with-modules brings every module that the script uses, wherever it stands", function()
  for i, words in ipairs { "--copy saturate --with-modules %s/1", "--copy saturate %s/2 "
    .. "--with-modules", "--with-modules --copy saturate %s/3" } do
    local status, out, err = run(words:format(HOME))
    equal(status, 0)
    equal(err, "")
    assert(out:find(("^wrote %s/%d/saturate.lua and %%d+ modules below %s/%d/tspam/; run it by: "
      .. "tspam %s/%d/saturate.lua\n$"):format(HOME, i, HOME, i, HOME, i)), out)
  end
  local list = files(HOME .. "/1")
  equal(files(HOME .. "/2"), list)
  equal(files(HOME .. "/3"), list)
  for _, module in ipairs(tspam.modules()) do
    local brought = list:find("./" .. module.file .. "\n", 1, true)
    assert(not brought or read(("%s/1/%s"):format(HOME, module.file)) == module.text, module.file)
  end
  -- required by the script; by one of its modules; by a name that is put together
  for _, file in ipairs { "job.lua", "job/exit.lua", "report/init.lua", "report/text.lua" } do
    contains(list, "./tspam/" .. file .. "\n")
  end
  assert(not list:find("./tspam/server_job.lua", 1, true), "no client script uses that")
end)

test_in("a copy finds all its modules beside itself: it runs where tspam has none", function()
  for _, name in ipairs { "saturate", "soak", "capacity", "doctor", "server", "rate" } do
    local dir = ("%s/%s"):format(HOME, name)
    run(("--copy %s --with-modules %s"):format(name, dir))
    write(dir .. "/loaded.lua", ([[
      arg = { [0] = "%s.lua", "--help" }
      pcall(dofile, "%s/%s.lua")
      for name in pairs(package.loaded) do
        local found = name:find("^tspam%%.") and package.searchpath(name, "%s/?.lua;%s/?/init.lua")
        if name:find("^tspam%%.") and not found then io.stderr:write(name, "\n") end
      end]]):format(name, dir, name, dir, dir))
    local _, _, err = run(dir .. "/loaded.lua")
    -- what only the command line itself uses
    equal(err:gsub("tspam%.command\n", ""):gsub("tspam%.copy\n", ""):gsub("tspam%.shipped\n", "")
      :gsub("tspam%.own_modules\n", ""), "")
  end
end)

test_in("a rule that is changed in a copied module changes the copy, and not what is shipped",
  function()
    run(("--copy stepup --with-modules %s/mine"):format(HOME))
    local rule = HOME .. "/mine/tspam/generator_limit.lua"
    local text, changed = read(rule):gsub("function generator_limit%.of%(result%)\n",
      '%0  if result.rate > 70 then return "my limit", "70/s are enough" end\n')
    equal(changed, 1)
    write(rule, text)
    local words = " --max-rate 80 -l 0.2 -s 1000 --quiet"
    local _, out = run(HOME .. "/mine/stepup.lua" .. words)
    contains(out, "62.5/s went well; at 78.12/s, this machine was the limit, not the target: "
      .. "70/s are enough.\n")
    _, out = t.shell(("cd %s/mine && %s stepup.lua %s"):format(HOME, TSPAM, words))
    contains(out, "70/s are enough")
    _, out = run("stepup" .. words)
    contains(out, "No limit found up to 80/s (--max-rate).\n")
  end)

-- The command line has loaded these before the script begins.
test_in("a change of what tspam itself uses counts in the copy too", function()
  run(("--copy rate --with-modules %s"):format(HOME))
  local nearest = HOME .. "/tspam/nearest.lua"
  write(nearest, 'return function() return "--changed" end\n')
  local status, _, err = run(HOME .. "/rate.lua --rat 5")
  equal(status, 2)
  equal(err, "tspam: unknown option '--rat': did you mean '--changed'?\n")
  contains(select(3, run("rate --rat 5")), "did you mean '--rate'?")
end)

test_in("the copy's JSON has the command and the date, as the shipped one's", function()
  run(("--copy rate --with-modules %s"):format(HOME))
  local _, out = run(HOME .. "/rate.lua -r 20 -l 0.1 --quiet --json -")
  local value = assert(dkjson.decode(out))
  contains(value.command, "/rate.lua -r 20 -l 0.1 --quiet --json -")
  assert(value.date:find("^%d+%-%d+%-%d+T"), value.date)
end)

test_in("where one module is there already, not one file is written", function()
  t.shell("mkdir -p " .. HOME .. "/tspam/report")
  write(HOME .. "/tspam/report/text.lua", "mine")
  local status, out, err = run("--copy rate --with-modules " .. HOME)
  equal(status, 1)
  equal(out, "")
  equal(err, ("tspam: --copy: '%s/tspam/report/text.lua' exists already and is not overwritten; "
    .. "nothing was copied: name another folder\n"):format(HOME))
  equal(files(HOME), "./tspam/report/text.lua\n")
  equal(read(HOME .. "/tspam/report/text.lua"), "mine")
end)

test_in("a file where a folder should be is named, and nothing is written", function()
  write(HOME .. "/tspam", "mine")
  local status, _, err = run("--copy rate --with-modules " .. HOME)
  equal(status, 1)
  contains(err, "tspam: --copy: cannot make a folder for the modules: ")
  contains(err, HOME .. "/tspam")
  contains(err, "; name another one\n")
  equal(files(HOME), "./tspam\n")
end)

test_in("a module that is no Lua is told with its line", function()
  run(("--copy rate --with-modules %s"):format(HOME))
  write(HOME .. "/tspam/report/text.lua", "local = 5\n")
  local status, _, err = run(HOME .. "/rate.lua -r 20 -l 0.1 --quiet")
  equal(status, 1)
  contains(err, HOME .. "/tspam/report/text.lua:1: <name> expected near '='")
end)

return t.finish()
