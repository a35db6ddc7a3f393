#!/usr/bin/env tspam
-- Finds the rate of new connections that a target carries, whose limit it was, and what kind.
local cli = require "tspam.cli"
local jobs = require "tspam.job"
local exit = require "tspam.exit"
local port_walk = require "tspam.port_walk"
local report = require "tspam.report.saturate"
local next_load = require "tspam.search.next_load"
local rules = require "tspam.search.rules"
local saturation = require "tspam.saturation"

local options = cli.parse {
  name = "saturate", about = "Finds the rate that a target carries: loads are tried until one "
    .. "that passes and one that fails are near each other. Then: what kind of limit it is.",
  groups = { "target", "payload", "sources", "run", "output" },
  metrics = { answer = "rate" },
  overrides = { timeout = {
    help = "for a whole exchange (0.9, raised to 4 times the first trial's p99)" } },
  { "-r --start", "rate", "rate of the first trial", default = "50" },
  { "-i --increment", "number", "factor from step to step while all is well (2)", above = 1,
    max = 100 },
  { "-s --slowdown", "number", "a median this many times the lowest rate's is saturation",
    above = 1, max = 1e6, default = "2" },
  { "-l --length", "time", "of a trial; the confirming one is 3 times as long", min = 0.2,
    default = "4" },
  { "-o --cooldown", "time", "pause between trials, once nothing is open", default = "0.5" },
  { "--max-failures", "share", "failed and retransmitted, besides the path's own share, that pass",
    above = 0, default = "0.5%" },
  { "--precision", "share", "width of the interval of the answer", above = 0, default = "2.5%" },
  { "--goal", "goal", "RFC 9971's terms, instead of the three above: rfc2544, tst009, or "
    .. "DURATION/SUM/LOSS/EXCEED/WIDTH like 60/120/0.5%/50%/2.5% (repeatable)", many = true },
  { "--max-rate", "rate", "ceiling of the search (1M)" },
  { "--between", "text", "shell command to run between trials; one that fails ends the search",
    argname = "CMD" },
  { "--patience", "time", "how long to wait for a target that answers no more", default = "30" },
  { "--diagnose", "flag", "tell what kind of limit it is (the default)" },
  { "--no-diagnose", "flag", "do not" },
  { "--calibrate", "flag", "compare with this machine's own ceiling on loopback (the default)" },
  { "--no-calibrate", "flag", "do not" },
}
local max_rate = options.max_rate or 1e6
if options.start > max_rate then
  exit(2, ("option '--start': %g is above the ceiling of the search, --max-rate %g"):format(
    options.start, max_rate))
end
for _, name in ipairs { "calibrate", "diagnose" } do
  if options[name] and options["no_" .. name] then
    exit(2, ("options '--%s' and '--no-%s' cannot be used together"):format(name, name))
  end
end

local job <close> = jobs.open(options, { { rate = options.start, length = options.length } },
  { timeout = 0.9, local_ports = port_walk.own_half() })
job:foresee({ length = 3 * options.length }, options.start, options.max_rate)
job:write(report.header)
local outcome = saturation(job, {
  start = options.start, increment = options.increment, slowdown = options.slowdown,
  length = options.length, max_failures = options.max_failures, precision = options.precision,
  goals = options.goal, max_rate = max_rate, cooldown = options.cooldown,
  between = options.between, recover = options.patience, timeout = options.timeout,
  calibrate = not options.no_calibrate, diagnose = not options.no_diagnose,
  on_trial = function(trial)
    job:write(report.row(trial))
    io.stdout:flush()
  end,
  -- A trial passes that loses no more than the goal says and breaks none of these.
  rules = { rules.queue, rules.behind, rules.slow(options.slowdown), rules.capped },
  -- Where to look next. b.lower passes, b.upper does not; one may be missing yet.
  next_load = function(b)
    if not b.upper then
      return math.min(b.lower * (b.increment or 2), b.max_rate)
    end
    return b.lower and next_load.inside(b) or next_load.down(b)
  end,
})
job:write(report.plots(outcome.trials), "\n", report.sentence(outcome))
return job:finish {
  schema = "tspam.saturate/1", fields = report.fields(outcome), error = outcome.error,
  metrics = { answer = outcome.answer.rate }, inconclusive = not outcome.conclusive,
}
