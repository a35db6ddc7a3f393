--- The scripts that come with tspam: the files of tspam.scripts.

local tspam = require "tspam"
local nearest = require "tspam.nearest"
local shell = require "tspam.shell"

local shipped = {}

-- The script's second line is a comment that says in a sentence what it does.
local function about(path)
  local file <close> = io.open(path, "r")
  for text in file and file:lines() or function() end do
    local sentence = text:match("^%-%-+%s*(.-)%s*$")
    if sentence then
      return sentence
    end
  end
  return ""
end

local function path_of(name)
  return ("%s/%s.lua"):format(tspam.scripts, name)
end

local function names()
  local found = {}
  local listing <close> = io.popen("ls " .. shell.quoted(tspam.scripts) .. " 2>/dev/null", "r")
  for file in listing and listing:lines() or function() end do
    found[#found + 1] = file:match("^(.+)%.lua$")
  end
  return found
end

--- { {name=, about=}, … }, sorted by name.
function shipped.list()
  local list = {}
  for i, name in ipairs(names()) do
    list[i] = { name = name, about = about(path_of(name)) }
  end
  return list
end

local function exists(path)
  local file <close>, _, code = io.open(path, "r")
  return file ~= nil or code ~= 2
end

local function suggestion(word)
  local near = nearest(word:match("([^/]*)$"):gsub("%.lua$", ""), names())
  return near and ("did you mean '%s'?"):format(near) or "see tspam --list"
end

--- The file a word of the command line means: a bare name is a shipped script,
-- anything else, and what is not shipped, a path. -> path | nil, message, status:
-- a name that is none is wrong usage, as it is of --copy.
function shipped.find(word)
  local bare = word:find("^[%w_-]+$")
  if bare and exists(path_of(word)) then
    return path_of(word)
  elseif exists(word) then
    return word
  elseif bare then
    return nil, ("no script '%s': %s"):format(word, suggestion(word)), 2
  end
  return nil, ("no such file '%s': %s"):format(word, suggestion(word)), 1
end

--- The text of a shipped script | nil, what was meant perhaps.
function shipped.text(name)
  local file <close> = name:find("^[%w_-]+$") and io.open(path_of(name), "rb") or nil
  if not file then
    return nil, suggestion(name)
  end
  return file:read("a")
end

return shipped
