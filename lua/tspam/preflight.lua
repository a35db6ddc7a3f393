--- What this machine's settings say to a load before it starts.

local tspam = require "tspam"
local quit = require "tspam.quit"

local preflight = {}

--- Findings about a load (fields of tspam.run). Misuse that only the whole of it
-- shows ("tspam.doctor: field 'x': …") ends the script as a usage error.
function preflight.findings(spec)
  local fine, findings, message = pcall(tspam.doctor, spec)
  if not fine then
    quit(2, (tostring(findings):gsub("^.-tspam%.doctor: ", "")))
  elseif not findings then
    quit(1, message)
  end
  return findings
end

--- May it limit the load?
function preflight.matters(finding)
  return finding.severity == "warning" or finding.severity == "error"
end

return preflight
