--- The documents of --json, and what a result is in them (API: RUN and PHASE). Loops
-- over result.phases, result.failures and result.spec: knows no phase, no cause and no
-- field by name.

local json = require "tspam.json"
local origin = require "tspam.origin"
local output = require "tspam.output"

local to_json = {}

local PERCENTILES <const> = {
  { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p99_9", 99.9 }, { "p99_99", 99.99 },
}
local COUNTS <const> = {
  "due", "started", "ok", "failed", "aborted", "capped", "not_started", "retransmitted",
  "retransmitted_ok", "open_max", "bytes_sent", "bytes_received",
}
local FINDING <const> = { "severity", "what", "have", "need", "remedy", "effect" }
local INTERVAL <const> = {
  "time", "started", "ok", "failed", "open", "p50", "p99", "max", "lag_p99",
}
local REASON <const> = { "limit", "what", "text" }
local CPU <const> = { "user", "system", "share" }

local function pick(source, names)
  local fields = {}
  for i, name in ipairs(names) do
    fields[i] = { name, json.plain(source[name]) }
  end
  return json.object(fields)
end

local function each(list, names)
  local items = {}
  for i, item in ipairs(list or {}) do
    items[i] = pick(item, names)
  end
  return json.list(items)
end

--- A histogram as PHASE.
function to_json.phase(hist)
  local fields = {
    { "count", hist:count() }, { "min", hist:min() }, { "mean", hist:mean() },
    { "stdev", hist:count() > 0 and hist:stdev() or nil },
  }
  for _, p in ipairs(PERCENTILES) do
    fields[#fields + 1] = { p[1], hist:percentile(p[2]) }
  end
  fields[#fields + 1] = { "max", hist:max() }
  return json.object(fields)
end

local function phases(result)
  local fields = {}
  for i, name in ipairs(result.phases) do
    fields[i] = { name, to_json.phase(result[name]) }
  end
  return json.object(fields)
end

--- Where the load of a job went: port is an integer, port_to the end of a range.
function to_json.target(job)
  local target = job.target
  local port, last = tostring(target.port):match("^(%d+)%-?(%d*)$")
  return json.object {
    { "host", target.host }, { "address", target.address }, { "port", tonumber(port) },
    { "port_to", tonumber(last) }, { "dry_run", job.dry_run },
  }
end

--- Findings of the doctor.
function to_json.findings(list)
  return each(list, FINDING)
end

-- A list that is empty must not read as an object.
local function nat(values)
  if not values then
    return nil
  end
  local fields = json.plain(values)
  fields.outside_addresses = values.outside_addresses and json.list(values.outside_addresses)
  return fields
end

-- A spec as it was in force. Lists that are empty were not given.
local function spec(values)
  local fields = {}
  for name, value in pairs(values) do
    if type(value) ~= "table" or next(value) ~= nil then
      fields[name] = value
    end
  end
  return json.plain(fields)
end

--- A result as RUN; extra: { {key, value}, … } is added at its end.
function to_json.run(result, extra)
  local fields = {}
  local function add(name, value)
    fields[#fields + 1] = { name, value }
  end
  for _, name in ipairs { "rate", "achieved", "completed", "length", "elapsed" } do
    add(name, result[name])
  end
  for _, name in ipairs(COUNTS) do
    add(name, result[name] and math.tointeger(result[name]))
  end
  add("failures", json.plain(result.failures))
  add("others", result.others and next(result.others) and json.plain(result.others))
  add("first_failure", json.plain(result.first_failure))
  add("phases", phases(result))
  add("timeline", each(result.timeline, INTERVAL))
  add("verdict", result.verdict)
  add("limited_by", result.limited_by)
  add("reasons", each(result.reasons, REASON))
  add("warnings", to_json.findings(result.warnings))
  add("counters", json.plain(result.counters or {}))
  add("sources", json.plain(result.sources or {}))
  add("nat", nat(result.nat))
  add("cpu", result.cpu and pick(result.cpu, CPU))
  add("interrupted", result.interrupted or false)
  add("label", result.label)
  add("spec", result.spec and spec(result.spec))
  return json.object(table.move(extra or {}, 1, #(extra or {}), #fields + 1, fields))
end

--- Ends the script with one line where a document cannot be written to path (nil: none
-- is to be).
function to_json.check(path)
  if path then
    json.need()
    output.check(path)
  end
end

--- Writes a document to path ("-": stdout): schema, where it comes from, and fields,
-- which are { {key, value}, … }.
function to_json.save(path, schema, fields)
  local all = { { "schema", schema } }
  for _, list in ipairs { origin.fields(), fields } do
    table.move(list, 1, #list, #all + 1, all)
  end
  output.save(path, json.encode(json.object(all)))
end

return to_json
