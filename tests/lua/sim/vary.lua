--- The same device, a little larger or smaller: a search must not be right by the luck of round
-- figures. vary(device, truth, factor) -> copies of both, with the limit scaled.

--- What is scaled for the limit of a kind: of the device, of the truth.
local KINDS <const> = {
  rate = { "bucket", "rate", { "rate" } },
  open = { "open", "most", { "rate", "connections" }, whole = true },
  processing = { "server", "seconds", { "seconds" }, inverse = { "rate" } },
  bandwidth = { "link", "bits_per_second", { "rate", "bits_per_second" } },
  state = { "entries", "size", { "rate", "entries" }, whole = true },
  stable = { "unstable", "above", { "stable" } },
}

local function copy(values)
  local new = {}
  for name, value in pairs(values) do
    new[name] = type(value) == "table" and copy(value) or value
  end
  return new
end

-- Of capacity and soak, whose truth is a count.
local function by_count(device, truth)
  local part = device.entries and "entries" or device.open and "open"
  return part and truth.held and { part, part == "open" and "most" or "size", { "held" },
    whole = true }
    or part and truth.state and { part, "size", { "state", "sustainable" }, whole = true }
end

return function(device, truth, factor)
  local row = KINDS[truth.kind or truth.stable and "stable"] or by_count(device, truth)
  if not row then
    return device, truth
  end
  device, truth = copy(device), copy(truth)
  local part, before = device[row[1]], device[row[1]][row[2]]
  local after = before * factor
  after = row.whole and math.floor(after + 0.5) or after
  part[row[2]] = after
  for _, name in ipairs(row[3]) do
    truth[name] = truth[name] and truth[name] * after / before
  end
  for _, name in ipairs(row.inverse or {}) do
    truth[name] = truth[name] * before / after
  end
  return device, truth
end
