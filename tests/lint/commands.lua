--- Every command that a script or a test calls is in scripts/packages.txt with its package,
-- and every command there is called, and installed.
--   tspam commands.lua [ROOT]      ROOT: the source tree, else from TSPAM_SOURCE
-- Shell is parsed by shfmt, and its tree is read by jq. Of other languages only a command that is
-- written out beside popen, execute, shell, system or execute_process is seen; a command in
-- a variable never.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local files = require "files"

local root = arg[1] or os.getenv("TSPAM_SOURCE") or "."
local TABLE <const> = "scripts/packages.txt"

local INSTALLED <const> = "PATH=$PATH:/usr/sbin:/sbin command -v %s"

-- What calls the words after it, and how many of those come first that are no command:
-- programs, builtins, and functions of our scripts.
local wrappers = {
  ["@"] = 0, exec = 0, command = 0, env = 0, nice = 0, timeout = 0, xargs = 0, sudo = 0, strace = 0,
  eval = 0, prlimit = 0, setsid = 0, unshare = 0, taskset = 0, in_turn = 0,
  ["ip netns exec"] = 1, ["bed exec"] = 1,
  inside = 0, in_router = 0, in_server = 0, in_client = 0, wait_gone = 1, has = 0,
  check = 1, row = 1, begin = 1, apart = 1,
}

-- One line for each call: its words, with "$" for what only a shell can know, "@" for a list of
-- words, which may be none; and one for each function that is defined.
local FILTER <const> = [[
def part: if .Type == "Lit" or .Type == "SglQuoted" then .Value
    elif .Type == "ParamExp" and .Index then "@" else "$" end;
def word: [.Parts[] | if .Type == "DblQuoted" then .Parts[]? else . end | part] | add // ""
    | gsub("\\n"; "\u0001") | gsub("\\t"; " ");
.. | objects |
if .Type == "CallExpr" and .Args then ["call"] + [.Args[] | word] | join("\t")
elif .Type == "FuncDecl" then "function\t" + .Name.Value else empty end]]

-- nil where it failed
local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  return pipe:close() and text
end

local function set_of(text)
  local set = {}
  for word in text:gmatch("%S+") do
    set[word] = true
  end
  return set
end

local builtin = set_of(shell("bash -c 'compgen -bk'"))

-- called: command -> where it is called first
local called, functions, calls = {}, {}, 0

local function note(command, path)
  calls = calls + 1
  called[command] = called[command] or path
end

-- Options of those, with a word of their own after them that is no number.
local valued = { ["-s"] = true, ["--signal"] = true, ["-u"] = true, ["-o"] = true }

-- The words from the command on that a wrapper calls; nil where that cannot be known.
local function after(words, from, skip)
  local i = from + skip
  while words[i] do
    local word = words[i]
    if valued[word] or word:find("^%-%a$") and (words[i + 1] or ""):find("^%$") then
      i = i + 1 -- an option, and its value
    elseif not (word:find("^%-") or word:find("^[%d.]+[smh]?$") or word:find("^[%w_]+=")) then
      return table.move(words, i, #words, 1, {})
    end
    i = i + 1
  end
end

-- How many words the longest wrapper at the beginning of words has, and its entry.
local function wrapper_of(words)
  for length = math.min(3, #words), 1, -1 do
    local skip = wrappers[table.concat(words, " ", 1, length)]
    if skip then
      return length, skip
    end
  end
end

local read_text

local function note_call(words, path)
  while words and words[1] and words[1]:find("^[%w_.@-]+$") do
    if words[1] ~= "@" then
      note(words[1], path)
    end
    for i, word in ipairs(words) do
      if words[i - 1] == "eval" or words[i - 1] == "-c" and words[1]:find("sh$") then
        read_text(word:gsub("\1", "\n"), path)
      end
    end
    local length, skip = wrapper_of(words)
    words = length and after(words, length + 1, skip)
  end
end

-- All calls of a piece of shell; false where it is none.
local function read_shell(source, path)
  local text = shell(("shfmt -tojson %s 2>/dev/null | jq -r '%s'"):format(source, FILTER))
  for line in (text or ""):gmatch("[^\n]+") do
    local words = {}
    for word in (line .. "\t"):gmatch("(.-)\t") do
      words[#words + 1] = word
    end
    local kind = table.remove(words, 1)
    if kind == "function" then
      functions[words[1]] = true
    else
      note_call(words, path)
    end
  end
  return text and text ~= ""
end

-- Shell within another language: where it cannot be parsed, at least its first word.
function read_text(text, path)
  local name = os.tmpname()
  local file <close> = assert(io.open(name, "w"))
  file:write(text)
  file:flush()
  if not read_shell("<" .. name, path) then
    note_call({ text:match("^[%w_.-]+") }, path)
  end
  os.remove(name)
end

local patterns = {
  lua = { "popen%(%(*(%b\"\")", "execute%(%(*(%b\"\")", "shell%(%(*(%b\"\")" },
  c = { "popen%((%b\"\")", "system%((%b\"\")" },
  cmake = { "execute_process%(%s*COMMAND (%l[%w_-]*)" },
  txt = { "execute_process%(%s*COMMAND (%l[%w_-]*)" },
}

local function read_other(path, extension)
  local text = table.concat(files.lines(root .. "/" .. path), "\n")
  for _, pattern in ipairs(patterns[extension]) do
    for command in text:gmatch(pattern) do
      read_text(command:gsub("^\"(.*)\"$", "%1"):gsub("\\n", "\n"), path)
    end
  end
end

local purposes = { build = true, test = true, maybe = true }

-- command -> its package; command -> true where it may be missing
local function read_table()
  local listed, optional = {}, {}
  for _, line in ipairs(files.lines(root .. "/" .. TABLE)) do
    local package, purpose, commands = line:match("^([%w.+-]+)%s+(%l+)%s*(.*)$")
    assert(package or line == "" or line:find("^#"), TABLE .. ": " .. line)
    assert(not package or purposes[purpose], TABLE .. ": " .. line)
    for command in (commands or ""):gmatch("%S+") do
      listed[command] = package
      optional[command] = purpose == "maybe"
    end
  end
  return listed, optional
end

local scripts = files.list(root, { "scripts", "tests" }, "sh")
table.insert(scripts, ".ci/run")
for _, path in ipairs(scripts) do
  assert(read_shell(("<'%s/%s'"):format(root, path), path), path .. ": shfmt cannot parse it")
end
for extension in pairs(patterns) do
  local folders = { "cmake", "src", "lua", "scripts", "tests" }
  for _, path in ipairs(files.list(root, folders, extension)) do
    read_other(path, extension)
  end
end

local breaches, listed, optional = {}, read_table()
for command, path in pairs(called) do
  if not (listed[command] or builtin[command] or functions[command]) then
    breaches[#breaches + 1] = ("%s: calls '%s', which is in no package of %s"):format(
      path, command, TABLE)
  end
end
for command, package in pairs(listed) do
  if not called[command] then
    breaches[#breaches + 1] = ("%s: nothing calls '%s' of %s"):format(TABLE, command, package)
  elseif not optional[command] and not shell(INSTALLED:format(command)) then
    breaches[#breaches + 1] = ("'%s' is not installed, with %s it should be"):format(
      command, package)
  end
end

assert(calls > 0, "no command found under " .. root)
print(("%d calls of commands and functions"):format(calls))
if #breaches > 0 then
  table.sort(breaches)
  error(#breaches .. " commands without a package\n" .. table.concat(breaches, "\n"), 0)
end
