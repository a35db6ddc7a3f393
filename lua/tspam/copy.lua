--- tspam --copy: a shipped script for the user to change, alone or with the modules that
-- it uses. Overwrites nothing: where one file is there already, none is written.

local tspam = require "tspam"
local exit = require "tspam.exit"
local shell = require "tspam.shell"
local shipped = require "tspam.shipped"

local ENOENT <const>, ENOTDIR <const> = 2, 20

--- What such a script begins with, below its first comment.
local OWN_MODULES <const> = [[
require("tspam.own_modules")() -- those in tspam/ beside this file, before tspam's own
]]

-- Modules named by a source in quotes: "tspam.format"; with a dot at its end, as in
-- "tspam.report." .. name, all whose names begin so.
local function named(text, modules)
  local list = {}
  for name in text:gmatch("[\"'](tspam%.[%w_.]+)[\"']") do
    for _, module in ipairs(modules) do
      if module.name == name or name:sub(-1) == "." and module.name:sub(1, #name) == name then
        list[#list + 1] = module
      end
    end
  end
  return list
end

-- All modules that a source uses, and those that they use. -> list, in the order of names
local function used(text, modules)
  local needs, todo = {}, { { text = text } }
  while todo[1] do
    for _, module in ipairs(named(table.remove(todo).text, modules)) do
      if not needs[module.name] then
        needs[module.name] = true
        todo[#todo + 1] = module
      end
    end
  end
  local list = {}
  for _, module in ipairs(modules) do
    list[#list + 1] = needs[module.name] and module or nil
  end
  return list
end

-- A script that uses the modules beside it.
local function with_own_modules(text)
  local comment = text:match("^#![^\n]*\n") or ""
  for line in text:sub(#comment + 1):gmatch("[^\n]*\n") do
    if not line:find("^%-%-") then
      break
    end
    comment = comment .. line
  end
  return comment .. OWN_MODULES .. text:sub(#comment + 1)
end

local function check_absent(files)
  for _, file in ipairs(files) do
    local there <close>, _, code = io.open(file.path, "r")
    if there or code ~= ENOENT and code ~= ENOTDIR then
      exit(1, ("--copy: '%s' exists already and is not overwritten; nothing was copied: "
        .. "name another folder"):format(file.path))
    end
  end
end

local function make_folders(files)
  local words, seen = {}, {}
  for _, file in ipairs(files) do
    local folder = file.path:match("^(.*)/")
    words[#words + 1] = not seen[folder] and shell.quoted(folder) or nil
    seen[folder] = true
  end
  local pipe <close> = assert(io.popen("mkdir -p -- " .. table.concat(words, " ") .. " 2>&1"))
  local complaint = pipe:read("a")
  if not pipe:close() then
    exit(1, ("--copy: cannot make a folder for the modules: %s; name another one"):format(
      complaint:match("^mkdir: ([^\n]*)") or complaint))
  end
end

local function write(file)
  local target, message, code = io.open(file.path, "wb")
  if not target then
    local mend = code == ENOENT and "; make the folder first: mkdir -p "
      .. shell.quoted(file.path:match("^(.*)/")) or ""
    return nil, message .. mend
  end
  local written, problem = target:write(file.text)
  local closed, late = target:close()
  if written and closed then
    return true
  end
  os.remove(file.path)
  return nil, ("%s: %s"):format(file.path, problem or late)
end

-- All of them, or none.
local function write_all(files)
  for i, file in ipairs(files) do
    local done, problem = write(file)
    if not done then
      for k = 1, i - 1 do
        os.remove(files[k].path)
      end
      exit(1, "--copy: cannot write " .. problem)
    end
  end
end

--- Copies the shipped script of that name into a folder. with_modules: the modules inside
-- tspam that it uses too, below DIR/tspam, which the copy uses then; the folder is made.
-- -> the script's path, how many modules
return function(name, dir, with_modules)
  local text, near = shipped.text(name)
  if not text then
    exit(2, ("--copy: no shipped script '%s': %s"):format(name, near))
  end
  dir = dir:gsub("(.)/+$", "%1")
  local files = { { path = ("%s/%s.lua"):format(dir, name), text = text } }
  if with_modules then
    files[1].text = with_own_modules(text)
    for _, module in ipairs(used(text, tspam.modules())) do
      files[#files + 1] = { path = ("%s/%s"):format(dir, module.file), text = module.text }
    end
  end
  check_absent(files)
  if with_modules then
    make_folders(files)
  end
  write_all(files)
  return files[1].path, #files - 1
end
