--- Report for a terminal: what was asked, what became of it, a table of the
-- phases, and what stood in the way.

local format = require "tspam.format"
local sentences = require "tspam.report.sentences"

local COLUMNS <const> = {
  { "minimum", function(h) return h:min() end },
  { "mean", function(h) return h:mean() end },
  { "median", function(h) return h:percentile(50) end },
  { "90th percentile", function(h) return h:percentile(90) end },
  { "p99", function(h) return h:percentile(99) end },
  { "p99.9", function(h) return h:percentile(99.9) end },
  { "maximum", function(h) return h:max() end },
}

-- out with the width of the column of names.
local function page(result, out)
  return { width = format.name_width(result.failures, result.others),
    write = function(_, ...) out:write(...) end }
end

local function line(out, name, value, note)
  local figure = ("%12s"):format(value)
  out:write(format.row(out.width, name, note and note ~= "" and figure .. "  " .. note or figure))
end

local function target_text(target)
  if not target then
    return ""
  end
  local address = tostring(target.address or target.host)
  local named = target.host and target.host ~= address and (" (%s)"):format(target.host) or ""
  if address:find(":", 1, true) then
    address = "[" .. address .. "]"
  end
  local last = target.port_to and "-" .. target.port_to or ""
  local own = target.dry_run and " (dry run: a server of our own)" or ""
  return (" to %s:%s%s%s%s"):format(address, target.port, last, named, own)
end

local function load_text(result)
  local spec = result.spec or {}
  if spec.concurrency then
    return format.plural(spec.concurrency, "connection") .. " at once"
  elseif spec.stages and #spec.stages > 0 then
    return format.plural(#spec.stages, "stage")
  elseif spec.rate_to then
    return ("ramp from %s to %s"):format(format.rate(spec.rate), format.rate(spec.rate_to))
  end
  return "rate " .. (result.rate and format.rate(result.rate) or "-")
end

local function details(spec)
  local words = {}
  local function add(wanted, text, ...)
    if wanted then
      words[#words + 1] = text:format(...)
    end
  end
  local bytes = spec.content and spec.content.bytes or 0
  add(bytes > 0, "sends %s", format.bytes(bytes))
  add((spec.hold or 0) > 0, "holds %s", format.span(spec.hold or 0))
  add(spec.arrivals == "poisson", "poisson arrivals")
  add(spec.close == "reset", "closed by reset")
  add(spec.coalesce_fin, "data and FIN in one segment")
  return #words > 0 and ", " .. table.concat(words, ", ") or ""
end

local function asked(result, out)
  local spec = result.spec or {}
  local amount = spec.count and ", " .. format.plural(spec.count, "connection")
    or " for " .. format.span(result.length or 0)
  out:write(("%s%s%s%s%s\n"):format(result.label and result.label .. ": " or "",
    load_text(result), amount, target_text(result.target), details(spec)))
end

-- Names of a table of counts, the largest first.
local function by_count(counts)
  local names = {}
  for name in pairs(counts) do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b)
    return counts[a] > counts[b] or counts[a] == counts[b] and a < b
  end)
  return names
end

local function causes(result, out)
  for _, cause in ipairs(by_count(result.failures)) do
    line(out, "  " .. cause, format.count(result.failures[cause]))
  end
  for _, errno in ipairs(by_count(result.others or {})) do
    line(out, "    " .. errno, format.count(result.others[errno]))
  end
  local first = result.first_failure
  if first then
    line(out, "  first failure", format.time(first.time),
      first.count and "after " .. format.plural(first.count, "connection"))
  end
end

-- The mean rate that was asked for; of a ramp that was interrupted, until then.
local function asked_rate(result)
  local spec = result.spec or {}
  local changes = spec.rate_to or spec.stages and #spec.stages > 0
  if not result.rate or spec.concurrency then
    return ""
  elseif result.interrupted and changes and result.started > 0 then
    return ("asked %s until then"):format(
      format.rate(result.due * result.achieved / result.started))
  end
  return "asked " .. format.rate(result.rate)
end

local function counts(result, out)
  line(out, "due", format.count(result.due))
  line(out, "ok", format.count(result.ok), format.share(result.ok, result.due))
  line(out, "failed", format.count(result.failed), format.share(result.failed, result.due))
  causes(result, out)
  for _, row in ipairs {
    { "aborted", "still open when the run was ended early" },
    { "capped", "not opened: --max-open was reached" },
    { "not_started", "due, but this machine was too slow to open them" },
    { "retransmitted", "connections whose SYN or data was sent again" },
  } do
    if (result[row[1]] or 0) > 0 then
      line(out, (row[1]:gsub("_", " ")), format.count(result[row[1]]), row[2])
    end
  end
  line(out, "achieved", format.rate(result.achieved or 0), asked_rate(result))
  line(out, "open at once", format.count(result.open_max or 0), "at most")
  line(out, "bytes", format.bytes(result.bytes_sent or 0),
    "sent, " .. format.bytes(result.bytes_received or 0) .. " received")
end

local function sources_row(sources, out)
  local words = {}
  local function add(value, text, show)
    words[#words + 1] = value and text:format(show(value)) or nil
  end
  add(sources.picked_by, "picked by %s", function(who)
    return who == "kernel" and "the kernel" or who
  end)
  add(sources.tuples, "%s pairs of address and port", format.count)
  add((sources.skipped or 0) > 0 and sources.skipped, "%s refused by the kernel", format.count)
  add(sources.shortest_reuse, "shortest reuse %s", format.time)
  if words[1] then
    out:write(format.row(out.width, "sources", table.concat(words, ", ")))
  end
end

local SPECIAL <const> = {
  ports_preserved = function(share) return format.share(share, 1) end,
}

-- What a list shows of itself: its first four.
local function list_text(values)
  local more = #values > 4 and (" and %s more"):format(format.count(#values - 4)) or ""
  return #values > 0 and table.concat(values, " ", 1, math.min(#values, 4)) .. more or "none"
end

local function value_text(key, value)
  if SPECIAL[key] then
    return SPECIAL[key](value)
  elseif math.type(value) == "integer" then
    return format.count(value)
  elseif type(value) == "table" then
    return list_text(value)
  end
  return tostring(value)
end

-- Of nat: what is a sentence where it is not 0.
local SAID <const> = { unreported = true, unlisted = true, uncompared = true }

-- "key value", sorted by key.
local function nat_row(values, out)
  local keys, words = {}, {}
  for key in pairs(values or {}) do
    keys[#keys + 1] = not SAID[key] and key or nil
  end
  table.sort(keys)
  for i, key in ipairs(keys) do
    words[i] = ("%s %s"):format(key:gsub("_", " "), value_text(key, values[key]))
  end
  if #words > 0 then
    out:write(format.row(out.width, "nat", table.concat(words, ", ")))
  end
end

local function phase_table(result, out)
  out:write(("\n%-11s"):format("phase"))
  for _, column in ipairs(COLUMNS) do
    out:write(("%" .. math.max(10, #column[1] + 2) .. "s"):format(column[1]))
  end
  out:write("\n")
  for _, phase in ipairs(result.phases) do
    out:write(("%-11s"):format(phase))
    for _, column in ipairs(COLUMNS) do
      local width = math.max(10, #column[1] + 2)
      out:write(("%" .. width .. "s"):format(format.time(column[2](result[phase]))))
    end
    out:write("\n")
  end
end

return function(result, to)
  local out = page(result, to)
  asked(result, out)
  counts(result, out)
  sources_row(result.sources or {}, out)
  nat_row(result.nat, out)
  phase_table(result, out)
  sentences(result, out)
end
