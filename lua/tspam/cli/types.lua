--- Kinds of option values: text from the command line -> value.
-- types.<kind>(row) returns a converter: text -> value | nil, what is wanted.
-- row may narrow the range by min, max and above (the value itself excluded).

local tspam = require "tspam"
local format = require "tspam.format"
local exit = require "tspam.exit"
local conditions = require "tspam.conditions"
local goals = require "tspam.search.goal"

local EINVAL <const>, E2BIG <const> = 22, 7
local MAX_CONTENT <const> = 64 * 1024 * 1024

local types = {}

local function in_range(value, row)
  return value == value and (not row.above or value > row.above)
    and (not row.min or value >= row.min) and (not row.max or value <= row.max)
end

local function number_text(value)
  if value >= 1e4 and value % 1 == 0 then
    return format.count(value)
  end
  return ("%.10g"):format(value)
end

local function percent_text(value)
  return number_text(100 * value) .. "%"
end

local function range_text(row, show)
  local low = row.above and "above " .. show(row.above) or show(row.min)
  if not row.max then
    return row.above and low or low .. " or more"
  end
  return low .. (row.above and " and at most " or " .. ") .. show(row.max)
end

-- A kind of number: how it is read, what it looks like, its widest range, how a
-- bound is shown.
local function numeric(read, example, preset)
  return function(row)
    local range = { above = row.above, min = row.min, max = row.max or preset.max }
    if not (row.above or row.min) then
      range.above, range.min = preset.above, preset.min
    end
    local wanted = ("%s wanted, %s"):format(example, range_text(range, preset.show or number_text))
    return function(text)
      local value = read(text)
      if value and in_range(value, range) then
        return value
      end
      return nil, wanted
    end
  end
end

local function whole(text)
  local value = tspam.units.rate(text)
  return value and math.tointeger(value)
end

-- "0.5" would be 50 %, and hardly ever meant.
local function share(text)
  local number, percent = text:match("^%s*([%d.]+)%s*(%%?)%s*$")
  local value = tonumber(number)
  return value and (percent == "%" or value == 0) and value / 100
end

types.rate = numeric(tspam.units.rate, 'a rate per second like "25k"', { above = 0, max = 1e7 })
types.time = numeric(tspam.units.time, 'seconds or a time like "500ms"', { min = 0, max = 1e6 })
types.size = numeric(tspam.units.size, 'bytes or a size like "64M"', { min = 0, max = 2 ^ 40 })
types.count = numeric(whole, 'a whole number like "5k"', { min = 1, max = 2 ^ 53 })
types.number = numeric(tonumber, "a number", { min = 0, max = 1e12 })
types.share = numeric(share, 'a share with its %, like "0.5%",',
  { min = 0, max = 1, show = percent_text })

local function ports(text)
  local low, high = text:match("^(%d+)%-(%d+)$")
  low = math.tointeger(tonumber(low or text:match("^%d+$")))
  return low, high and math.tointeger(tonumber(high)) or low
end

--- A port or a range; row.min = 0 allows "any free port".
function types.ports(row)
  local min = row.min or 1
  local wanted = ('a port or a range like "2345-2354" wanted, %d .. 65535'):format(min)
  return function(text)
    local low, high = ports(text)
    if low and low >= min and low <= high and high <= 65535 and (low > 0 or high == 0) then
      return low == high and low or text
    end
    return nil, wanted
  end
end

--- Who picks source ports: a word, or a range of ports.
function types.local_ports()
  return function(text)
    local low, high = ports(text)
    if text == "auto" or text == "kernel" or text == "walk" then
      return text
    elseif low and low >= 1 and low <= high and high <= 65535 then
      return ("%d-%d"):format(low, high)
    end
    return nil, '"auto", "kernel", "walk" or a range like "1024-65535" wanted'
  end
end

function types.choice(row)
  local wanted = '"' .. table.concat(row.choices, '" or "') .. '" wanted'
  return function(text)
    for _, choice in ipairs(row.choices) do
      if text == choice then
        return text
      end
    end
    return nil, wanted
  end
end

function types.text()
  return function(text)
    if text ~= "" then
      return text
    end
    return nil, "a text wanted"
  end
end

--- A name or an address; a port has an option of its own.
function types.host()
  return function(text)
    local port = text:match("^[^:]+:(%d+)$") or text:match("^%[.*%]:(%d+)$")
    if port then
      return nil, ("a name or address wanted, its port by -p %s"):format(port)
    elseif text ~= "" then
      return text
    end
    return nil, "a text wanted"
  end
end

--- A source address, range or CIDR. Only its form is looked at: whether this machine
-- has it is not a matter of usage. (A target of the other family ends the look.)
function types.local_ip()
  return function(text)
    local _, message, errno = tspam.doctor { rate = 1, count = 1, local_ips = { text },
      host = text:find(":", 1, true) and "127.0.0.1" or "::1" }
    if errno == EINVAL or errno == E2BIG then
      local prefix = "'" .. text .. "': "
      return nil, message:sub(1, #prefix) == prefix and message:sub(#prefix + 1) or message
    end
    return text
  end
end

-- io.open's messages begin with the name, which is said already.
local function reason(path, message)
  local prefix = path .. ": "
  return message:sub(1, #prefix) == prefix and message:sub(#prefix + 1) or message
end

--- The bytes of a file, read once, here: a pipe may be read only once.
function types.content(row)
  return function(path)
    local file <close>, message = io.open(path, "rb")
    local bytes
    if file then
      bytes, message = file:read(MAX_CONTENT + 1)
      bytes = bytes or not message and ""
    end
    if not bytes then
      exit(1, ("option '%s': cannot read '%s': %s"):format(row.long, path, reason(path, message)))
    elseif #bytes > MAX_CONTENT then
      exit(1, ("option '%s': '%s' is too large, at most 64 MiB are sent"):format(row.long, path))
    end
    return bytes
  end
end

--- What a load must be to pass: a name, or five figures.
function types.goal()
  return function(text)
    return goals.parse(text)
  end
end

--- A condition on the result; row.metrics are names the script adds.
function types.requirement(row)
  return function(text)
    return conditions.parse(text, row.metrics)
  end
end

return types
