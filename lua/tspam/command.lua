--- The command line of tspam itself: command(argv) -> exit status.
-- argv is like C's: argv[0] the executable's name, argv[1] … the words.

local tspam = require "tspam"
local copy = require "tspam.copy"
local nearest = require "tspam.nearest"
local origin = require "tspam.origin"
local exit = require "tspam.exit"
local shipped = require "tspam.shipped"
local output = require "tspam.output"

local USAGE <const> = [[
Usage: tspam [options] SCRIPT [arguments of the script]

Opens new TCP connections at a steady rate and measures what becomes of them.

SCRIPT is a path, or the name of a shipped script:
%s
Options:
  -h, --help           print this and stop
  -V, --version        print the versions and stop
  -l, --list           print the shipped scripts, one a line
  --copy NAME [DIR]    copy a shipped script to DIR (.), to be changed; overwrites nothing
  --with-modules       with --copy: the Lua modules that it uses as well, to DIR/tspam; the
                       copy uses them

"tspam rate --help" prints the options of rate.
]]

local function usage_text()
  local lines = {}
  for _, script in ipairs(shipped.list()) do
    lines[#lines + 1] = ("  %-10s %s\n"):format(script.name, script.about)
  end
  return USAGE:format(table.concat(lines))
end

local function say(text, ...)
  output.write(io.stdout, "stdout", text:format(...))
end

local function help()
  output.write(io.stdout, "stdout", usage_text())
end

local function version()
  local versions = tspam.versions
  say("tspam %s\nLua %s\nlibev %s\n", versions.tspam, versions.lua, versions.libev)
  if versions.commit then
    say("commit %s\n", versions.commit)
  end
end

local function list()
  for _, script in ipairs(shipped.list()) do
    say("%-10s %s\n", script.name, script.about)
  end
end

local WITH_MODULES <const> = "--with-modules"

local COPY_USAGE <const> = "--copy takes the name of a shipped script and a folder: "
  .. "--copy NAME [DIR] [--with-modules]"

-- word -> what it does, with the words behind it; filled below
local OPTIONS <const> = {}

local function unknown_option(word)
  local names = {}
  for name in pairs(OPTIONS) do
    names[#names + 1] = #name > 2 and name or nil
  end
  table.sort(names)
  local near = nearest(word, names)
  exit(2, ("unknown option '%s': %s"):format(word,
    near and ("did you mean '%s'?"):format(near) or "see tspam --help"))
end

local function copy_script(...)
  local words, with_modules = {}, false
  for _, word in ipairs { ... } do
    if word == WITH_MODULES then
      with_modules = true
    elseif word:find("^%-.") then
      unknown_option(word)
    else
      words[#words + 1] = word
    end
  end
  if not words[1] or words[3] then
    exit(2, COPY_USAGE)
  end
  local path, modules = copy(words[1], words[2] or ".", with_modules)
  say("wrote %s%s; run it by: tspam %s\n", path, with_modules
    and (" and %d modules below %s/"):format(modules, path:gsub("[^/]*$", "tspam")) or "", path)
end

-- Before --copy, or without it.
local function modules_of_copy(word, ...)
  if word ~= "--copy" then
    exit(2, "--with-modules goes with --copy NAME")
  end
  copy_script(WITH_MODULES, ...)
end

OPTIONS["-h"], OPTIONS["--help"] = help, help
OPTIONS["-V"], OPTIONS["--version"] = version, version
OPTIONS["-l"], OPTIONS["--list"] = list, list
OPTIONS["--copy"], OPTIONS[WITH_MODULES] = copy_script, modules_of_copy

-- Loads the script; a missing file and a syntax error are one line each.
local function load_script(word)
  local path, problem, status = shipped.find(word)
  if not path then
    exit(status, problem)
  end
  local chunk, message = loadfile(path)
  if not chunk then
    exit(1, (message:gsub("\n.*", "")))
  end
  return chunk, path
end

-- An interrupted script ends with 128 + the signal, unless its second value says that
-- a signal is its normal end (server.lua returns 0, true).
local function exit_status(status, final)
  status = math.tointeger(status) or 0
  local signal = tspam.interrupted()
  if signal and not final and status >= 0 and status <= 4 then
    return 128 + signal
  end
  return status
end

local function run_script(argv, at)
  local chunk, path = load_script(argv[at])
  arg = { [0] = path, [-1] = tspam.executable }
  table.move(argv, at + 1, #argv, 1, arg)
  return exit_status(chunk(table.unpack(arg)))
end

local function main(argv)
  local word = argv[1]
  if not word then
    io.stderr:write(usage_text())
    return 2
  elseif OPTIONS[word] then
    OPTIONS[word](table.unpack(argv, 2))
    return 0
  elseif word == "--" then
    return argv[2] and run_script(argv, 2) or main {}
  elseif word:find("^%-.") then
    unknown_option(word)
  end
  return run_script(argv, 1)
end

-- Message and traceback of a script's error; an exit passes as it is.
local function handler(problem)
  if exit.is(problem) then
    return problem
  end
  local own = getmetatable(problem)
  local text = type(problem) == "string" and problem or own and own.__tostring
    and tostring(problem) or ("(error object is a %s value)"):format(type(problem))
  if text:find("\nstack traceback:\n", 1, true) then
    return text -- of an on_interval: it has the place already
  end
  return debug.traceback(text, 2)
end

local function complain(text)
  io.stderr:write("tspam: ", text, "\n")
end

local function failure(problem)
  if not exit.is(problem) then
    complain(problem)
    return 1
  elseif problem.message then
    complain(problem.message)
  end
  return problem.status
end

return function(argv)
  origin.note(argv)
  local fine, status = xpcall(main, handler, argv)
  if not fine then
    status = failure(status)
  end
  local flushed, message = io.stdout:flush()
  if not flushed then
    complain("cannot write to stdout: " .. message)
    return 1
  end
  return status
end
