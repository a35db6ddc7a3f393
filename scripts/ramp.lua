#!/usr/bin/env tspam
-- Climbs from one rate to another and prints what happens second by second.
-- Written to be copied: tspam --copy ramp
local cli = require "tspam.cli"
local format = require "tspam.format"
local jobs = require "tspam.job"
local exit = require "tspam.exit"

local options = cli.parse {
  name = "ramp",
  about = "Climbs (or falls) from one rate to another in a straight line.",
  groups = { "target", "payload", "sources", "run", "output" },
  { "--from", "rate", "rate at the beginning", min = 0, default = "0" },
  { "--to", "rate", "rate at the end", min = 0, default = "1k" },
  { "-l --length", "time", "length of the ramp", min = 1e-3, default = "10" },
}

if options.from == 0 and options.to == 0 then
  exit(2, "options '--from' and '--to' are both 0: give one a rate above 0")
end

local load = { rate = options.from, rate_to = options.to, length = options.length }
local job <close> = jobs.open(options, { load })

function load.on_interval(second)
  job:write(("%8s  opened %6s  ok %6s  failed %6s  median %9s  p99 %9s\n"):format(
    format.time(second.time), format.count(second.started), format.count(second.ok),
    format.count(second.failed), format.time(second.p50), format.time(second.p99)))
  io.stdout:flush()
end

local result = job:run(load)
job:write("\n")
job:report(result)
return job:finish { schema = "tspam.rate/1" }
