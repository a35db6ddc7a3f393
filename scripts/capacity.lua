#!/usr/bin/env tspam
-- Opens connections and holds them until the target takes no more: its state capacity.
local tspam = require "tspam"
local capacity = require "tspam.capacity"
local cli = require "tspam.cli"
local device_of = require "tspam.full_table.device"
local full_table = require "tspam.full_table"
local to_json = require "tspam.to_json"
local json = require "tspam.json"
local jobs = require "tspam.job"
local progress = require "tspam.progress"
local report = require "tspam.report.capacity"

local options = cli.parse {
  name = "capacity",
  about = "Opens connections at a safe rate and holds them until the target takes no more; then "
    .. "waits until it accepts again, and counts once more at another rate.",
  groups = { "target", "payload", "sources", "run", "output" },
  metrics = { connections = "count" },
  overrides = {
    timeout = { default = "0.9", help = "for a whole exchange" },
    hold = { default = "50", min = 1, max = 1e5,
      help = "how long to open connections; each is held to the end" },
  },
  { "-r --rate", "rate", "new connections per second; safe for the target", default = "500" },
  { "--once", "flag", "do not count a second time: the count is told, but not whose limit it is" },
  { "--recover", "flag", "with --once: then try until new connections are accepted again" },
  { "--patience", "time", "how long to try that, at most", default = "300" },
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
local began = tspam.now()
local result = job:run(load)
line:clear()

-- Was a table full? The second count tells.
local device = device_of(job, { low = math.min(20, options.rate), held = true, began = began,
  patience = options.patience })
local seen, verdict = capacity.seen(result, memo), nil
if seen and not options.once and not job:interrupted() then
  verdict = full_table.examine(device, seen)
end
local answer = capacity.answer(result, memo, verdict, began)
local refused = verdict and verdict.message
if options.recover and not verdict and memo.full and answer.connections
  and not job:interrupted() then
  refused = capacity.recover(answer, device)
end

-- In words the hold is left out: it is no wish of the user's, and none was held so long.
local runs = { to_json.run(result) }
for i, count in ipairs(device.counts) do
  runs[i + 1] = to_json.run(count)
end
local spec = setmetatable({ hold = 0 }, { __index = result.spec })
job:report(setmetatable({ spec = spec }, { __index = result }))
job:write("\n", report.sentence(answer))
return job:finish {
  schema = "tspam.capacity/1",
  fields = { report.fields(answer), { "runs", json.list(runs) } },
  metrics = { connections = answer.connections },
  error = refused and (verdict and "second count: " or "--recover: ") .. refused,
  inconclusive = not capacity.conclusive(answer),
}
