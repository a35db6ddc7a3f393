--- Prints the value of each Lua expression over a result in a JSON file, one a line.
--   tspam figure.lua FILE EXPR...      figure.lua r.json ok 'phases.connect.p50 * 1e3'
-- The names in an expression are fields of the first run (of the object itself where it
-- has no runs); `top` is the whole object. What is not there prints as nil,
-- an expression that fails as false.
local json = require "dkjson"

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  local top, _, message = json.decode(text)
  return assert(top, message and path .. ": " .. message)
end

--- Adds up the values of a table of counts: sum(failures).
local function sum(counts)
  local total = 0
  for _, n in pairs(counts or {}) do
    total = total + n
  end
  return total
end

--- A list of strings, or of reasons by their sentence, in one line: text(reasons).
local function text(items)
  local list = {}
  for i, item in ipairs(items or {}) do
    list[i] = item.text or item -- a string has no field text, but may be asked for it
  end
  return table.concat(list, "; ")
end

local top = read(arg[1])
local names = setmetatable({ top = top, math = math, sum = sum, text = text }, {
  __index = top.runs and top.runs[1] or top,
})

for i = 2, #arg do
  local value = assert(load("return " .. arg[i], "=" .. arg[i], "t", names))
  local fine, got = pcall(value)
  print(fine and got)
end
