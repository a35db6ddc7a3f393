#!/usr/bin/env tspam
-- Holds a rate for long and judges it by the criteria of RFC 9411.
local tspam = require "tspam"
local cli = require "tspam.cli"
local confidence = require "tspam.soak.confidence"
local device_of = require "tspam.full_table.device"
local format = require "tspam.format"
local full_table = require "tspam.full_table"
local json = require "tspam.json"
local jobs = require "tspam.job"
local report = require "tspam.report.soak"
local soak = require "tspam.soak"
local to_json = require "tspam.to_json"

-- Each value has to stay below its limit. A copy of this script may change them, and add to
-- them: run is what tspam.run returns. The first one's limit says how many have to be made.
local function of_all(n, run)
  return ("%s of %s, less than 0.001 %% wanted"):format(format.count(n), format.count(run.started))
end
local criteria = {
  { name = "failed", limit = 1e-5,
    value = function(run) return soak.share(run.failed, run) end,
    text = function(run) return of_all(run.failed, run) end },
  { name = "resets", limit = 1e-5,
    value = function(run) return soak.share(soak.resets(run), run) end,
    text = function(run) return of_all(soak.resets(run), run) end },
  { name = "rate", limit = 0.05,
    value = function(run) return soak.established(run) / run.rate - 1 end,
    text = function(run) return ("%s established, %s asked, within 5 %% wanted"):format(
      format.rate(soak.established(run)), format.rate(run.rate)) end },
  { name = "concurrency", limit = 0.1,
    value = function(run)
      local mean, worst = soak.open(run)
      return worst > 2 and worst / mean or 0 -- few waver by more than a tenth of themselves
    end,
    text = function(run) return ("%.1f open on average, a tenth of the run off by %.1f, within "
      .. "10 %% or 2 wanted"):format(soak.open(run)) end },
}

local options = cli.parse {
  name = "soak",
  about = "Holds a rate for long: fewer than 0.001 % may fail. Exit 3 when it does not pass, "
    .. "4 when too few connections were made to tell (300,000 without a failure are enough).",
  groups = { "target", "payload", "sources", "run", "output" },
  -- A time-out below a second: the retry of a dropped SYN does not hide the drop.
  overrides = { timeout = { default = "0.9", help = "for a whole exchange" } },
  { "-r --rate", "rate", "new connections per second", default = "1k" },
  { "-l --length", "time", "how long (as long as 300,000 connections take, at least 300)",
    min = 1 },
  { "--patience", "time", "where a table seemed to be full: how long to wait until new ones are "
    .. "accepted, to count once more (0: do not)", default = "300" },
}

local length = options.length or confidence.default_length(options.rate, criteria[1].limit)
local load = { rate = options.rate, length = length, interval = math.max(0.25, length / 2000),
  label = "soak" }
local job <close> = jobs.open(options, { load })
local note = confidence.foresee(options.rate, length, criteria[1].limit)
if note then
  job:say("%s", note)
end
local began = tspam.now()
local result = job:run(load)
local answer = soak.judge(result, criteria)
if answer.seen and options.patience > 0 and not job:interrupted() then
  soak.add(answer, full_table.examine(device_of(job, { low = math.min(20, options.rate),
    patience = options.patience, began = began }), answer.seen), began)
end

job:report(result)
job:write("\n", report.text(answer))
local status = job:finish {
  schema = "tspam.soak/1",
  fields = { report.field(answer), { "runs", json.list { to_json.run(result) } } },
}
return soak.status(answer, status)
