#!/usr/bin/env tspam
-- Measures a target at one or several rates of new connections.
local cli = require "tspam.cli"
local jobs = require "tspam.job"
local exit = require "tspam.exit"

local options = cli.parse {
  name = "rate",
  about = "Opens new connections at each rate in turn and measures what becomes of them.",
  groups = { "target", "payload", "sources", "run", "output" },
  { "-r --rate", "rate", "new connections per second (repeatable; 1k)", many = true },
  { "-l --length", "time", "how long to open connections (10)", min = 1e-3 },
  { "-o --cooldown", "time", "pause between two rates", default = "0" },
  { "--count", "count", "how many connections to open, instead of --length" },
  { "--concurrency", "count", "instead of a rate: keep so many open, a new one when one ends",
    max = 1e6 },
}

-- Two options that say different things about the same.
local function refuse_both(one, other, why)
  if options[one] and options[other] then
    exit(2, ("options '--%s' and '--%s' cannot be used together%s"):format(one, other, why or ""))
  end
end
refuse_both("length", "count")
refuse_both("concurrency", "arrivals", ": a connection is opened when one ends")

local loads = {}
for i, rate in ipairs(options.rate) do
  loads[i] = { rate = rate, length = options.length, count = options.count }
end
if options.concurrency and loads[1] then
  exit(2, "options '--rate' and '--concurrency' cannot be used together")
elseif not loads[1] then
  loads[1] = { concurrency = options.concurrency, length = options.length, count = options.count }
  loads[1].rate = not options.concurrency and 1000 or nil
end

local job <close> = jobs.open(options, loads)
for i, load in ipairs(loads) do
  if i > 1 then
    job:wait(options.cooldown, "the next rate")
  end
  local result = not job:interrupted() and job:run(load)
  if not result then
    break
  end
  job:report(result)
end
if #job.results < #loads or job:interrupted() and #loads > 1 then
  job:write(("%s: %d of %d rates were measured%s.\n"):format(
    job:interrupted() and "Interrupted" or "This machine refused a rate", #job.results, #loads,
    (job.results[#job.results] or {}).interrupted and ", the last of them in part" or ""))
end
return job:finish { schema = "tspam.rate/1" }
