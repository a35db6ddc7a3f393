#!/usr/bin/env tspam
-- Holds a rate for long and judges it by the criteria of RFC 9411.
local cli = require "tspam.cli"
local to_json = require "tspam.to_json"
local json = require "tspam.json"
local jobs = require "tspam.job"
local soak = require "tspam.soak"
local confidence = require "tspam.soak.confidence"

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
}

local length = options.length or confidence.default_length(options.rate)
local load = { rate = options.rate, length = length, interval = math.max(0.25, length / 2000),
  label = "soak" }
local job <close> = jobs.open(options, { load })
local note = confidence.foresee(options.rate, length)
if note then
  job:say("%s", note)
end
local result = job:run(load)
local answer = soak.judge(result)

job:report(result)
job:write("\n", soak.text(answer))
local status = job:finish {
  schema = "tspam.soak/1",
  fields = { soak.field(answer), { "runs", json.list { to_json.run(result) } } },
}
return soak.status(answer, status)
