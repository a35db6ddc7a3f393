--- Conditions on a result: 'p99<50ms', 'connect.p99.9<2ms', 'failed<0.1%',
-- 'achieved>=990'. A condition is METRIC OP VALUE.

local tspam = require "tspam"
local nearest = require "tspam.nearest"

local conditions = {}

local COUNTS <const> = {
  "due", "started", "ok", "failed", "aborted", "capped", "not_started", "retransmitted",
  "retransmitted_ok", "open_max", "bytes_sent", "bytes_received",
}
local RATES <const> = { "rate", "achieved", "completed" }
local TIMES <const> = { "length", "elapsed" }
local PHASES <const> = { "latency", "service", "connect", "first_byte", "transfer", "lag" }
local FIGURES <const> = { "min", "mean", "stdev", "max", "minimum", "maximum", "median" }

local compare = {
  ["<"] = function(a, b) return a < b end,
  ["<="] = function(a, b) return a <= b end,
  [">"] = function(a, b) return a > b end,
  [">="] = function(a, b) return a >= b end,
  ["=="] = function(a, b) return a == b end,
}

local METHOD <const> = { minimum = "min", maximum = "max" }

local function set(words)
  local members = {}
  for _, word in ipairs(words) do
    members[word] = true
  end
  return members
end

local is_count, is_rate, is_time = set(COUNTS), set(RATES), set(TIMES)
local is_phase, is_figure = set(PHASES), set(FIGURES)

-- A figure of a histogram: "p99.9" -> percentile 99.9, "median", "max", …
local function figure(name)
  local percent = tonumber(name:match("^p(%d+%.?%d*)$") or name == "median" and "50")
  if percent and percent <= 100 then
    return function(hist) return hist:percentile(percent) end
  elseif is_figure[name] then
    local method = METHOD[name] or name
    return function(hist) return hist[method](hist) end
  end
end

-- "connect.p99.9" -> "connect", "p99.9"; a figure alone is of latency.
local function split_phase(name)
  local phase, rest = name:match("^([%a_]+)%.(.+)$")
  if phase and is_phase[phase] then
    return phase, rest
  end
  return "latency", name
end

-- "50" would be 50 s, and hardly ever meant.
local function time(text)
  return (text:find("%a$") or tonumber(text) == 0) and tspam.units.time(text)
end

local function value_reader(kind, shared)
  if kind == "time" then
    return time, 'a time with its unit, like "50ms",'
  elseif kind == "rate" then
    return tspam.units.rate, 'a rate like "5k"'
  end
  return tspam.units.rate, shared and 'a count, or a share like "0.1%"' or 'a count like "5k"'
end

local function unknown_metric(name, extra)
  local known = {}
  local percentiles = { "p50", "p90", "p99", "p99.9" }
  for name_of_extra in pairs(extra) do
    known[#known + 1] = name_of_extra
  end
  table.sort(known)
  for _, list in ipairs { COUNTS, RATES, TIMES, FIGURES, percentiles } do
    table.move(list, 1, #list, #known + 1, known)
  end
  local near = nearest(name, known)
  return ("unknown metric '%s'%s; known: %s, [PHASE.]p0 .. p100; phases: %s"):format(
    name, near and (" (did you mean '%s'?)"):format(near) or "",
    table.concat(known, " "), table.concat(PHASES, " "))
end

-- name -> kind, getter(result)
local function metric(name, extra)
  if extra[name] then
    return extra[name], nil
  elseif is_count[name] or is_rate[name] or is_time[name] then
    local kind = is_count[name] and "count" or is_rate[name] and "rate" or "time"
    return kind, function(result) return result[name] end
  end
  local phase, rest = split_phase(name)
  local get = figure(rest)
  if get then
    return "time", function(result)
      local hist = result[phase]
      return hist and get(hist)
    end
  end
end

--- text -> requirement | nil, what is wanted. extra: {[metric] = kind} that the
-- script adds to those of a run; kind: "count", "rate" or "time".
function conditions.parse(text, extra)
  extra = extra or {}
  local name, op, value = text:match("^%s*([%w_.]+)%s*([<>=]=?)%s*(.-)%s*$")
  if not compare[op] then
    return nil, "a condition like 'p99<50ms' wanted: a metric, one of < <= > >= ==, a value"
  end
  local kind, get = metric(name, extra)
  if not kind then
    return nil, unknown_metric(name, extra)
  end
  local shared = get and kind == "count" -- a share of due
  local percent = shared and value:match("^([%d.]+)%s*%%$")
  local read, example = value_reader(kind, shared)
  local bound = percent and tonumber(percent) or not percent and read(value)
  if not bound then
    return nil, ("%s wanted after '%s'"):format(example, op)
  end
  return {
    expr = text, metric = name, kind = kind, op = op, get = get,
    bound = percent and bound / 100 or bound, share = percent and true or false,
  }
end

local function got_of(req, result, extra)
  if not req.get then
    return extra and extra[req.metric]
  end
  local got = req.get(result)
  if got and req.share then
    return result.due > 0 and got / result.due or nil
  end
  return got
end

-- Of two values the one that is further from holding.
local function worse(op, a, b)
  if op == ">" or op == ">=" then
    return math.min(a, b)
  end
  return math.max(a, b)
end

--- Holds a requirement against every result; extra: {[metric] = number} of the
-- script. -> { expr, ok, got, kind }: got is the worst value, nil where there is
-- none; kind says what it is: "count", "share", "rate" or "time".
function conditions.check(req, results, extra)
  local verdict = { expr = req.expr, ok = true, kind = req.share and "share" or req.kind }
  local list = req.get and results or { {} }
  for _, result in ipairs(list) do
    local got = got_of(req, result, extra)
    if not got then
      return { expr = req.expr, ok = false, kind = verdict.kind }
    end
    verdict.got = verdict.got and worse(req.op, verdict.got, got) or got
    verdict.ok = verdict.ok and compare[req.op](got, req.bound)
  end
  verdict.ok = verdict.ok and verdict.got ~= nil
  return verdict
end

return conditions
