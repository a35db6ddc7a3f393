--- The fields of tspam.run, as a simulated run wants them: complete, and in numbers.

local spec = {}

local units = tspam.units

local function count(text)
  return math.tointeger(units.rate(text))
end

--- field -> { how it is read (nil: as it is), default }
local FIELDS <const> = {
  host = { nil, "127.0.0.1" }, port = { nil, 2345 }, rate = { units.rate },
  rate_to = { units.rate }, stages = { nil, {} }, concurrency = { count },
  length = { units.time }, count = { count }, arrivals = { nil, "even" }, seed = { count, 1 },
  content = {}, content_file = {}, expect = { units.size, 0 }, hold = { units.time, 0.0 },
  close = { nil, "half" }, coalesce_fin = { nil, false }, nat = { nil, false },
  local_ips = { nil, {} }, local_ports = { nil, "auto" }, timeout = { units.time, 30.0 },
  max_open = { count }, workers = { count, 2 }, interval = { units.time, 1.0 }, on_interval = {},
  label = {},
}

local function read(row, value)
  if type(value) == "string" and row[1] then
    return assert(row[1](value), "simulated tspam.run: '" .. value .. "' does not parse")
  elseif row[1] == units.rate or row[1] == units.time then
    return value + 0.0
  end
  return value
end

--- Raises as tspam.run does where a field is not known.
function spec.complete(fields)
  local full = {}
  for name, value in pairs(fields) do
    if not FIELDS[name] then
      error(("tspam.run: unknown field '%s'"):format(name), 3)
    end
    full[name] = read(FIELDS[name], value)
  end
  for name, row in pairs(FIELDS) do
    if full[name] == nil then
      full[name] = row[2]
    end
  end
  assert(full.rate or full.concurrency or full.stages[1], "tspam.run: field 'rate' is missing")
  if not full.length and not full.count then
    full.length = 10.0
  end
  full.workers = full.workers > 0 and full.workers or 2
  return full
end

return spec
