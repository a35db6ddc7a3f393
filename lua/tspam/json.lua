--- JSON by the Debian package dkjson: objects keep their order, empty tables
-- are what they were declared to be, NaN and Infinity never appear, nor does a byte
-- that is not UTF-8.

local exit = require "tspam.exit"

local json = {}

--- dkjson itself; ends the script with one line where it is missing.
function json.need()
  local found, dkjson = pcall(require, "dkjson")
  if not found then
    exit(1, "the Lua package dkjson is missing: apt-get install lua-dkjson")
  end
  return dkjson
end

local function finite(value)
  return type(value) ~= "number" or (value == value and math.abs(value) ~= math.huge)
end

--- { {key, value}, … } -> an object with the keys in this order. A value that is
-- nil, NaN or infinite is left out.
function json.object(fields)
  local object, order = {}, {}
  for _, field in ipairs(fields) do
    local key, value = field[1], field[2]
    if value ~= nil and finite(value) then
      object[key] = value
      order[#order + 1] = key
    end
  end
  return setmetatable(object, { __jsontype = "object", __jsonorder = order })
end

--- A list, an array even when it is empty.
function json.list(items)
  return setmetatable(table.move(items, 1, #items, 1, {}), { __jsontype = "array" })
end

--- Any plain table, deeply: a sequence becomes an array, any other table (an
-- empty one too) an object with sorted keys.
function json.plain(value)
  if type(value) ~= "table" or getmetatable(value) then
    return value
  end
  local copy = {}
  if #value > 0 then
    for i, item in ipairs(value) do
      copy[i] = json.plain(item)
    end
    return json.list(copy)
  end
  for key, item in pairs(value) do
    copy[#copy + 1] = { tostring(key), json.plain(item) }
  end
  table.sort(copy, function(a, b) return a[1] < b[1] end)
  return json.object(copy)
end

-- Labels and names of files are bytes, JSON is UTF-8: U+FFFD for each byte that is
-- not. Done on the whole text, since only strings have such bytes.
local function valid(text)
  local pieces, from = {}, 1
  local length, bad = utf8.len(text)
  while not length do
    pieces[#pieces + 1] = text:sub(from, bad - 1) .. "\u{FFFD}"
    from = bad + 1
    length, bad = utf8.len(text, from)
  end
  return table.concat(pieces) .. text:sub(from)
end

--- The text of a value, indented, with a newline at its end.
function json.encode(value)
  return valid(json.need().encode(value, { indent = true })) .. "\n"
end

return json
