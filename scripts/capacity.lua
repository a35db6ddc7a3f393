#!/usr/bin/env tspam
-- Opens connections and holds them until the target takes no more: its state capacity.
local tspam = require "tspam"
local capacity = require "tspam.capacity"
local cli = require "tspam.cli"
local to_json = require "tspam.to_json"
local json = require "tspam.json"
local jobs = require "tspam.job"
local progress = require "tspam.progress"

local options = cli.parse {
  name = "capacity",
  about = "Opens connections at a safe rate and holds them until the target takes no more.",
  groups = { "target", "payload", "sources", "run", "output" },
  metrics = { connections = "count" },
  overrides = {
    timeout = { default = "0.9", help = "for a whole exchange" },
    hold = { default = "50", min = 1, max = 1e5,
      help = "how long to open connections; each is held to the end" },
  },
  { "-r --rate", "rate", "new connections per second; safe for the target", default = "500" },
  { "--recover", "flag", "then try until new connections are accepted again" },
  { "--patience", "time", "how long to try that", default = "300" },
}
local longest = options.hold
options.hold = nil

-- Each is held longer than the whole run lasts; stopping the run ends the hold.
local load = { rate = options.rate, length = longest, hold = longest + 10, interval = 0.25,
  label = "capacity" }
local job <close> = jobs.open(options, { load }, { local_ports = "walk" })
local line = progress.new { label = "capacity", quiet = options.quiet }
local watch, memo = capacity.watch(longest, function(figures) line:update(figures) end)
load.on_interval = watch
local result = job:run(load)
line:clear()
local answer = capacity.answer(result, memo)

-- From ports that the held ones did not use: those the target remembers may pass.
local function try(length, on_interval)
  return tspam.run { host = job.fields.host, port = job.fields.port, rate = 20,
    length = length, interval = 0.1, on_interval = on_interval, timeout = options.timeout,
    local_ips = job.fields.local_ips, local_ports = options.local_ports or "kernel",
    content = job.fields.content }
end
local refused
if options.recover and memo.full and answer.connections and not job:interrupted() then
  refused = capacity.recover(answer, try, tspam.now, options.patience)
end

-- In words the hold is left out: it is no wish of the user's, and none was held so long.
local spec = setmetatable({ hold = 0 }, { __index = result.spec })
job:report(setmetatable({ spec = spec }, { __index = result }))
job:write("\n", capacity.sentence(answer))
return job:finish {
  schema = "tspam.capacity/1",
  fields = { capacity.fields(answer), { "runs", json.list { to_json.run(result) } } },
  metrics = { connections = answer.connections }, error = refused and "--recover: " .. refused,
  inconclusive = not capacity.conclusive(answer),
}
