--- Where a result comes from: the command line, the moment, the machine and this
-- program. With a run's spec it is what it takes to measure the same again.

local tspam = require "tspam"
local shell = require "tspam.shell"

local origin = {}

-- Bytes that have no place within '…': control characters, and what is no UTF-8, which
-- the JSON would lose. Bash, zsh, ksh and POSIX of 2024 read $'\ooo'.
local function as_octal(word)
  return "$'" .. word:gsub("[^%w ]", function(byte)
    return ("\\%03o"):format(byte:byte())
  end) .. "'"
end

local function quoted(word)
  if word:find("^[%w_./:,@+=-]+$") then
    return word
  elseif word:find("%c") or not utf8.len(word) then
    return as_octal(word)
  end
  return shell.quoted(word)
end

--- argv (like C's) as one line that a shell reads as these words.
function origin.line(argv)
  local words = {}
  for i = 0, #argv do
    words[#words + 1] = quoted(argv[i])
  end
  return table.concat(words, " ")
end

--- Called once, before a script begins. Kept in tspam, so that a copied tspam.origin
-- (--copy) knows it too.
function origin.note(argv)
  tspam.started = { command = origin.line(argv), date = os.date("!%Y-%m-%dT%H:%M:%SZ") }
end

--- { {key, value}, … }: of every document, behind its schema.
function origin.fields()
  local machine, started = tspam.machine(), tspam.started or {}
  return {
    { "version", tspam.version }, { "commit", tspam.versions.commit },
    { "command", started.command }, { "date", started.date },
    { "host", machine.host }, { "kernel", machine.kernel }, { "cpus", machine.cpus },
  }
end

return origin
