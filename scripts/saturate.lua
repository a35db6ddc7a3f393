#!/usr/bin/env tspam
-- Finds the rate of new connections at which a target saturates, and whose limit it was.
local cli = require "tspam.cli"
local jobs = require "tspam.job"
local exit = require "tspam.exit"
local report = require "tspam.report.saturate"
local saturation = require "tspam.saturation"
local port_walk = require "tspam.port_walk"

local options = cli.parse {
  name = "saturate",
  about = "Climbs until a trial fails, bisects, confirms: the rate at which a target saturates.",
  groups = { "target", "payload", "sources", "run", "output" },
  metrics = { answer = "rate" },
  overrides = { timeout = {
    help = "for a whole exchange (0.9, raised to 4 times the first trial's p99)" } },
  { "-r --start", "rate", "rate of the first trial, which the others are compared with",
    default = "50" },
  { "-i --increment", "number", "factor from step to step (1.25, widened while all is well)",
    above = 1, max = 100 },
  { "-s --slowdown", "number", "a median this many times the first trial's is saturation",
    above = 1, max = 1e6, default = "2" },
  { "-l --length", "time", "length of a trial; the confirming one is 3 times as long", min = 0.2,
    default = "4" },
  { "-o --cooldown", "time", "pause between trials, once nothing is open", default = "0.5" },
  { "--max-failures", "share", "failed and retransmitted above the first trial's share that pass",
    above = 0, default = "0.5%" },
  { "--precision", "share", "width of the interval of the answer", above = 0, default = "2.5%" },
  { "--max-rate", "rate", "ceiling of the search (1M)" },
  { "--between", "text", "shell command to run between trials; one that fails ends the search",
    argname = "CMD" },
  { "--patience", "time", "how long to wait for a target that answers no more", default = "30" },
  { "--calibrate", "flag", "compare with this machine's own ceiling on loopback (the default)" },
  { "--no-calibrate", "flag", "do not" },
}
local max_rate = options.max_rate or 1e6
if options.start > max_rate then
  exit(2, ("option '--start': %g is above the ceiling of the search, --max-rate %g"):format(
    options.start, max_rate))
elseif options.calibrate and options.no_calibrate then
  exit(2, "options '--calibrate' and '--no-calibrate' cannot be used together")
end

local job <close> = jobs.open(options, { { rate = options.start, length = options.length } },
  { timeout = 0.9, local_ports = port_walk.own_half() })
job:foresee({ length = 3 * options.length }, options.start, options.max_rate)
local function show(entry)
  job:write(report.row(entry))
  io.stdout:flush()
end
job:write(report.header)
local outcome = saturation(job, {
  start = options.start, increment = options.increment, fixed_increment = options.increment ~= nil,
  slowdown = options.slowdown, length = options.length, max_failures = options.max_failures,
  precision = options.precision, max_rate = max_rate, cooldown = options.cooldown,
  between = options.between, recover = options.patience, timeout = options.timeout,
  calibrate = not options.no_calibrate, on_trial = show,
})
job:write(report.plots(outcome.trials), "\n", report.sentence(outcome))
return job:finish {
  schema = "tspam.saturate/1", fields = report.fields(outcome), error = outcome.error,
  metrics = { answer = outcome.answer.rate }, inconclusive = not outcome.conclusive,
}
