--- What kind of limit a target has, in words and as JSON. See tspam.diagnose.

local format = require "tspam.format"
local json = require "tspam.json"

local limit = {}

local function bits(per_second)
  for _, unit in ipairs { { 1e9, "Gbit/s" }, { 1e6, "Mbit/s" }, { 1e3, "kbit/s" } } do
    if per_second >= 0.9995 * unit[1] then
      return ("%.3g %s"):format(per_second / unit[1], unit[2])
    end
  end
  return ("%.0f bit/s"):format(per_second)
end

local words = {}

function words.rate(kind)
  if not kind.burst or kind.burst < 1 then
    return ("a limit of %s, at any overload"):format(format.rate(kind.rate))
  end
  return ("a token bucket of %s with a burst of %s"):format(format.rate(kind.rate),
    format.count(kind.burst))
end

function words.open(kind)
  return ("at most %s open at once"):format(format.count(kind.connections))
end

function words.state(kind)
  local text = ("a table of %s"):format(format.count(kind.entries) .. " entries")
  if kind.lifetime then
    text = ("%s that live %s: %s sustained"):format(text, format.span(
      tonumber(("%.3g"):format(kind.lifetime))), format.rate(kind.entries / kind.lifetime))
  end
  return text
end

function words.bandwidth(kind)
  return ("bandwidth: %s on the wire"):format(bits(kind.bits_per_second))
end

function words.processing(kind)
  return ("processing: one connection at a time, %s each"):format(format.time(kind.seconds))
end

function words.unknown(kind)
  return "not known (" .. kind.reason .. ")"
end

--- "Kind of limit: a token bucket of 300/s with a burst of 30."; "" where there is none.
function limit.sentence(kind)
  return kind and ("Kind of limit: %s.\n"):format(words[kind.kind](kind)) or ""
end

local KEYS <const> = { "kind", "rate", "burst", "connections", "entries", "lifetime",
  "sustained", "bits_per_second", "seconds", "reason" }

--- The value of answer.limit; nil where there is none.
function limit.value(kind)
  if not kind then
    return nil
  end
  local fields, sustained = {}, kind.lifetime and kind.entries / kind.lifetime
  for _, key in ipairs(KEYS) do
    local value = key == "sustained" and sustained or kind[key]
    fields[#fields + 1] = value ~= nil and { key, value } or nil
  end
  return json.object(fields)
end

return limit
