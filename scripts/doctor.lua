#!/usr/bin/env tspam
-- Says what in this machine's settings would limit a load, and what mends it.
local cli = require "tspam.cli"
local to_json = require "tspam.to_json"
local preflight = require "tspam.preflight"
local exit = require "tspam.exit"
local output = require "tspam.output"
local resolve_target = require "tspam.resolve_target"

local options = cli.parse {
  name = "doctor",
  about = "Compares a load with this machine's settings. Changes nothing.",
  groups = { "target", "sources", "run", "report" },
  { "-r --rate", "rate", "new connections per second (1k)" },
  { "-l --length", "time", "how long to open connections (10)", min = 1e-3 },
  { "--count", "count", "how many connections to open, instead of --length" },
  { "--concurrency", "count", "instead of a rate: keep so many open, a new one when one ends",
    max = 1e6 },
}

to_json.check(options.json)
if options.rate and options.concurrency then
  exit(2, "options '--rate' and '--concurrency' cannot be used together")
end

local spec = cli.run_fields(options)
-- Without --host it is a dry run that is looked at: its server is there as well.
local server <close> = resolve_target(options, spec, function(text, ...)
  if not options.quiet then
    io.stderr:write(text:format(...), "\n")
  end
end)
spec.length, spec.count, spec.concurrency = options.length, options.count, options.concurrency
spec.rate = options.rate or not options.concurrency and 1000 or nil
local findings = preflight.findings(spec)

if options.json ~= "-" then
  if server then
    output.write(io.stdout, "stdout", "dry run: no --host, so both ends are in one process\n")
  end
  for _, finding in ipairs(findings) do
    output.write(io.stdout, "stdout", ("%-8s %s\n"):format(finding.severity, finding.what))
    for _, part in ipairs { "have", "need", "remedy", "effect" } do
      if finding[part] ~= "" then
        output.write(io.stdout, "stdout", ("         %-7s %s\n"):format(part, finding[part]))
      end
    end
  end
end
if options.json then
  to_json.save(options.json, "tspam.doctor/1", { { "findings", to_json.findings(findings) } })
end
