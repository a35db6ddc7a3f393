--- What this machine's settings say to a load before it starts.

local tspam = require "tspam"
local exit = require "tspam.exit"

local preflight = {}

--- The highest rate that may be asked for.
local HIGHEST <const> = 1e7

--- Findings about a load (fields of tspam.run). Misuse that only the whole of it
-- shows ("tspam.doctor: field 'x': …") ends the script as a usage error.
function preflight.findings(spec)
  local fine, findings, message = pcall(tspam.doctor, spec)
  if not fine then
    exit(2, (tostring(findings):gsub("^.-tspam%.doctor: ", "")))
  elseif not findings then
    exit(1, message)
  end
  return findings
end

--- May it limit the load?
function preflight.matters(finding)
  return finding.severity == "warning" or finding.severity == "error"
end

-- Findings that matter at this rate, and whether the processors are one of them.
local function at_rate(load, rate, find)
  local list, beyond = {}, false
  load.rate = rate
  for _, finding in ipairs(find(load)) do
    if preflight.matters(finding) then
      list[#list + 1] = { rate = rate, finding = finding }
      beyond = beyond or finding.what == "processor time"
    end
  end
  return list, beyond
end

--- Which limits bite from which rate on, looked at by doubling: from …, to (nil: as
-- long as the processors are likely to keep up; what bites later is out of reach).
-- load is changed. find: preflight.findings. -> list of {rate=, finding=}, each once
function preflight.ladder(load, from, to, find)
  local found, seen, rate = {}, {}, from
  while true do
    local list, beyond = at_rate(load, rate, find or preflight.findings)
    if beyond and not to then
      return found
    end
    for _, entry in ipairs(list) do
      if not seen[entry.finding.what] then
        seen[entry.finding.what] = true
        found[#found + 1] = entry
      end
    end
    if rate >= (to or HIGHEST) then
      return found
    end
    rate = math.min(rate * 2, to or HIGHEST)
  end
end

return preflight
