#!/usr/bin/env tspam
-- Says what in this machine's settings would limit a load, and what mends it.
local tspam = require "tspam"
local cli = require "tspam.cli"
local document = require "tspam.document"
local json = require "tspam.json"
local quit = require "tspam.quit"
local sink = require "tspam.sink"

local options = cli.parse {
  name = "doctor",
  about = "Compares a load with this machine's settings. Changes nothing.",
  groups = { "target", "sources", "run", "report" },
  { "-r --rate", "rate", "new connections per second", default = "1k" },
  { "-l --length", "time", "how long", min = 1e-3, default = "10" },
}

local spec = cli.run_fields(options)
spec.rate, spec.length = options.rate, options.length
local fine, findings, message = pcall(tspam.doctor, spec)
if not fine or not findings then
  quit(fine and 1 or 2, (tostring(message or findings):gsub("^.-tspam%.doctor: ", "")))
end

if options.json then
  sink.save(options.json, json.encode(json.object {
    { "schema", "tspam.doctor/1" }, { "version", tspam.version },
    { "findings", document.findings(findings) },
  }))
end
if options.json ~= "-" then
  for _, finding in ipairs(findings) do
    sink.write(io.stdout, "stdout", ("%-8s %s\n"):format(finding.severity, finding.what))
    for _, part in ipairs { "have", "need", "remedy", "effect" } do
      if finding[part] ~= "" then
        sink.write(io.stdout, "stdout", ("         %-7s %s\n"):format(part, finding[part]))
      end
    end
  end
end
