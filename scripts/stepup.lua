#!/usr/bin/env tspam
-- Steps the rate up until the median latency has doubled: the original tool's search.
local cli = require "tspam.cli"
local failures = require "tspam.failures"
local format = require "tspam.format"
local generator_limit = require "tspam.generator_limit"
local jobs = require "tspam.job"

local options = cli.parse {
  name = "stepup",
  about = "The original tool's search, short enough to be read and changed: up by a factor a step "
    .. "until the median latency has doubled. Trust saturate instead: where a device drops what "
    .. "is too much, retries hide it up to twice its limit and more (not with --timeout 0.9).",
  groups = { "target", "payload", "sources", "run", "output" },
  metrics = { answer = "rate" },
  { "-r --start", "rate", "rate of the first step, which the others are compared with",
    default = "50" },
  { "-i --increment", "number", "factor from step to step", above = 1, max = 100,
    default = "1.25" },
  { "-s --slowdown", "number", "a median this many times the first step's ends it", above = 1,
    max = 1e6, default = "2" },
  { "-l --length", "time", "length of a step", min = 0.2, default = "4" },
  { "-o --cooldown", "time", "pause between two steps", default = "0" },
  { "--max-failures", "share", "more failures than this end it", default = "0.5%" },
  { "--max-rate", "rate", "rate of the last step, if all goes well", default = "1M" },
}
local rate = math.min(options.start, options.max_rate)
local job <close> = jobs.open(options, { { rate = rate, length = options.length } })

-- Why a step ends the search, and whose limit it was; nothing where it went well.
local function ending(result, first)
  local own, why = generator_limit.of(result)
  local median, base = result.latency:percentile(50), first.latency:percentile(50)
  if result.interrupted then
    return "the search was interrupted"
  elseif own then
    return "this machine was the limit, not the target: " .. why, own
  elseif result.failed > options.max_failures * result.started then
    return failures.sentence(result, result.failed), "target"
  elseif median and median > options.slowdown * base then
    return ("the median latency was %s, %.1f times that of the first step"):format(
      format.time(median), median / base), "target"
  end
end

local ROW <const> = "%10s %10s %10s %10s %8s  %s\n"
job:write(ROW:format("rate", "achieved", "median", "p99", "failed", "step"))
local held, reason, limit
repeat
  local result = job:run { rate = rate, length = options.length }
  if not result then
    reason = "this machine refused the load"
    break
  end
  reason, limit = ending(result, job.results[1])
  job:write(ROW:format(format.rate(rate), format.rate(result.achieved),
    format.time(result.latency:percentile(50)), format.time(result.latency:percentile(99)),
    format.share(result.failed, result.started), reason and "the last" or "well"))
  io.stdout:flush()
  if not reason then
    held, rate = rate, math.min(rate * options.increment, options.max_rate)
  end
until reason or held == options.max_rate or not job:wait(options.cooldown, "the next step")

local known = held and format.rate(held) .. " went well; " or "No rate went well; "
if reason then
  reason = ("at %s, %s"):format(format.rate(rate), reason)
elseif held == options.max_rate then
  known, reason = "", ("No limit found up to %s (--max-rate)"):format(format.rate(held))
else
  reason = "the search was interrupted"
end
job:write("\n", format.sentence(known .. reason), "\n")
return job:finish {
  schema = "tspam.stepup/1", metrics = { answer = held },
  answer = { { "rate", held }, { "reason", reason }, { "limited_by", limit or "none found" } },
  inconclusive = not held or limit ~= "target" and limit ~= nil,
}
