-- The command line of tspam itself, each case in a process of its own.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local test, equal, contains = t.test, t.equal, t.contains

local TSPAM <const> = "'" .. tspam.executable .. "' "
local HOME <const> = os.tmpname()
os.remove(HOME)
os.execute("mkdir " .. HOME)

-- Writes a script of this text. -> its path
local function script(text, name)
  local path = HOME .. "/" .. (name or "script.lua")
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  return path
end

local function run(words)
  return t.shell(TSPAM .. words)
end

local function run_text(text, words)
  return run(script(text) .. " " .. (words or ""))
end

test("help lists every shipped script with its sentence, on stdout", function()
  for _, flag in ipairs { "-h", "--help" } do
    local status, out, err = run(flag)
    equal(status, 0)
    equal(err, "")
    contains(out, "Usage: tspam [options] SCRIPT")
    contains(out, "rate       Measures a target at one or several rates of new connections.")
    contains(out, "server     Answers connections:")
  end
end)

test("no argument at all is wrong usage: help on stderr, status 2", function()
  local status, out, err = run("")
  equal(status, 2)
  equal(out, "")
  contains(err, "Usage: tspam [options] SCRIPT")
end)

test("the version comes first, then Lua's and libev's", function()
  local status, out = run("-V")
  equal(status, 0)
  equal(out:match("^[^\n]*"), "tspam " .. tspam.version)
  assert(out:find("\nLua 5%.4.*\nlibev %d"), out)
  equal(select(2, run("--version")), out)
end)

test("the list has one line a script: name and sentence", function()
  local status, out = run("-l")
  equal(status, 0)
  for line in out:gmatch("[^\n]+") do
    assert(line:find("^%w+ +%u.*%.$"), line)
  end
  contains(out, "\nramp ")
  equal(select(2, run("--list")), out)
end)

test("an unknown option is answered with a suggestion", function()
  local status, out, err = run("--hepl")
  equal(status, 2)
  equal(out, "")
  equal(err, "tspam: unknown option '--hepl': did you mean '--help'?\n")
  equal(select(3, run("-z")), "tspam: unknown option '-z': see tspam --help\n")
end)

test("a mistyped script name is answered with a suggestion", function()
  local status, _, err = run("sever")
  equal(status, 2)
  equal(err, "tspam: no script 'sever': did you mean 'server'?\n")
end)

test("the beginning of a script's name is answered with the name", function()
  equal(select(3, run("satu")), "tspam: no script 'satu': did you mean 'saturate'?\n")
  equal(select(3, run("s")), "tspam: no script 's': see tspam --list\n")
end)

test("a missing file and a syntax error are one line each", function()
  local status, _, err = run(HOME .. "/none.lua")
  equal(status, 1)
  equal(err, ("tspam: no such file '%s/none.lua': see tspam --list\n"):format(HOME))
  status, _, err = run_text("local = 5")
  equal(status, 1)
  equal(err, ("tspam: %s/script.lua:1: <name> expected near '='\n"):format(HOME))
end)

test("a script gets arg and ... as lua gives them, after a #! line", function()
  local status, out = run_text([[#!/usr/bin/env tspam
print(arg[0], arg[-1] == require("tspam").executable, #arg, ...)]], "-l --help 'two words'")
  equal(status, 0)
  equal(out, HOME .. "/script.lua\ttrue\t3\t-l\t--help\ttwo words\n")
end)

test("tspam is a global and a module, the standard libraries are open", function()
  local _, out = run_text [[print(tspam == require "tspam", #table.pack(1, 2), math.type(1),
    utf8.len("a"), type(coroutine.create), type(debug.traceback), type(os.time))]]
  equal(out, "true\t2\tinteger\t1\tfunction\tfunction\tfunction\n")
end)

test("the integer a script returns is the exit status", function()
  equal(run_text("return 7"), 7)
  equal(run_text("return 3.0"), 3)
  equal(run_text(""), 0)
  equal(run_text("return 'text'"), 0)
end)

test("a script's error is shown with a traceback, status 1", function()
  local status, out, err = run_text("local function inner() error('oh') end\ninner()")
  equal(status, 1)
  equal(out, "")
  contains(err, "script.lua:1: oh\nstack traceback:")
  contains(err, "in local 'inner'")
  contains(select(3, run_text("error({})")), "(error object is a table value)")
  local own = "error(setmetatable({}, {__tostring = function() return 'own' end}))"
  contains(select(3, run_text(own)), "tspam: own\n")
end)

test("to-be-closed variables are closed when a script quits", function()
  local status, out, err = run_text [[
    local closing <close> = setmetatable({}, { __close = function() print("closed") end })
    require("tspam.exit")(4, "enough")]]
  equal(status, 4)
  equal(out, "closed\n")
  equal(err, "tspam: enough\n")
end)

-- A run raises the limit; what a script starts is not to know.
test("commands of a script have the limit of open files that tspam was started with", function()
  local path = script [[
    print(os.execute("exit 7"))
    assert(tspam.run { rate = 50, length = 0.05, port = 1 })
    print(os.execute(), os.execute("ulimit -Sn; exit 7"))
    local pipe <close> = io.popen("ulimit -Sn")
    io.write("piped ", pipe:read("a"))
  ]]
  local status, out, err = t.shell("ulimit -Sn 300\n" .. TSPAM .. path)
  equal(err, "")
  equal(status, 0)
  equal(out, "nil\texit\t7\n300\ntrue\tnil\texit\t7\npiped 300\n")
end)

test("a wrong argument to os.execute and io.popen is told with line and function", function()
  for call, problem in pairs {
    ["os.execute {}"] = "bad argument #1 to 'execute' (string expected, got table)",
    ["io.popen()"] = "bad argument #1 to 'popen' (string expected, got no value)",
    ["io.popen('ls', 'x')"] = "bad argument #2 to 'popen' (invalid option 'x')",
  } do
    local status, _, err = run_text("\n" .. call)
    equal(status, 1)
    contains(err, "script.lua:2: " .. problem)
  end
end)

os.execute("rm -r " .. HOME)
return t.finish()
