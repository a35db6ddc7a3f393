--- The device that full_table.examine is handed, by runs of a job. device(job, wanted)
-- wanted: low, patience, began, as there; held: connections of a count are held to its end.
-- What it runs is not among the job's results; the counts are kept in device.counts.

local tspam = require "tspam"
local format = require "tspam.format"
local progress = require "tspam.progress"

--- Nothing is held for longer than the run lasts, and so much.
local HELD <const> = 10

-- From ports that others did not use: those the target remembers may pass.
local function low_rate(job, load)
  local spec = job:spec(load)
  spec.local_ports, spec.hold = job.options.local_ports or "kernel", nil
  local result, message = tspam.run(spec)
  job.waits:clear()
  return result, message
end

local function count(job, load, held)
  local spec = job:spec(load)
  spec.hold = held and load.length + HELD or spec.hold
  local line = progress.new { quiet = job.options.quiet,
    label = ("%s, %s"):format(load.label, format.rate(load.rate)) }
  function spec.on_interval(figures)
    line:update(figures)
    return not held or figures.time < load.length
  end
  local result, message = tspam.run(spec)
  line:clear()
  return result, message
end

return function(job, wanted)
  local device = { low = wanted.low, patience = wanted.patience, began = wanted.began,
    now = tspam.now, counts = {} }
  function device.run(load)
    return low_rate(job, load)
  end
  function device.fill(load)
    local result, message = count(job, load, wanted.held)
    device.counts[#device.counts + 1] = result
    return result, message
  end
  function device.wait(seconds, what)
    return job:wait(seconds, what)
  end
  function device.say(...)
    job:say(...)
  end
  function device.waiting(what, waited, most)
    job.waits:waiting(what, waited, most)
  end
  return device
end
