--- What the client scripts share: target or dry run, warnings before the start,
-- progress, the result as text or JSON, the exit status.
--
--   local job <close> = job_module.open(options, { {rate = 1e3, length = 10} })
--   job:report(job:run { rate = 1e3, length = 10 })
--   return job:finish { schema = "tspam.rate/1" }
--
-- options come from tspam.cli. What the machine refuses ends the script by
-- tspam.exit with status 1.

local tspam = require "tspam"
local cli = require "tspam.cli"
local to_json = require "tspam.to_json"
local finish = require "tspam.job.exit"
local format = require "tspam.format"
local preflight = require "tspam.preflight"
local progress = require "tspam.progress"
local exit = require "tspam.exit"
local report = require "tspam.report"
local output = require "tspam.output"
local resolve_target = require "tspam.resolve_target"

local Job = {}
Job.__index = Job

local function load_label(load)
  if load.concurrency then
    return format.plural(load.concurrency, "connection")
  elseif load.rate_to then
    return ("%s to %s"):format(format.rate(load.rate), format.rate(load.rate_to))
  end
  return load.rate and format.rate(load.rate) or "stages"
end

--- A note on stderr (printf-like), unless --quiet.
function Job:say(text, ...)
  if not self.options.quiet then
    io.stderr:write(text:format(...), "\n")
  end
end

--- Writes to stdout, unless that is where the JSON goes (--json -). Where a JSON file
-- is to be written, a stdout that fails (its terminal was closed) ends the script after
-- that: job.unwritten is the error.
function Job:write(...)
  local json_file = self.options.json
  if json_file == "-" or self.unwritten then
    return
  end
  local fine, problem = pcall(output.write, io.stdout, "stdout", ...)
  if not fine and not json_file then
    error(problem, 0)
  end
  self.unwritten = problem
end

--- The text report of one result.
function Job:report(result)
  local lines = {}
  report(result, "text", { write = function(_, ...)
    for _, piece in ipairs { ... } do
      lines[#lines + 1] = piece
    end
  end })
  self:write(table.concat(lines), "\n")
end

--- A load (fields of tspam.run) with what the command line says about every load.
function Job:spec(load)
  local spec = {}
  for _, fields in ipairs { self.fields, load } do
    for name, value in pairs(fields) do
      spec[name] = value
    end
  end
  return spec
end

-- A finding is said once.
local function say_finding(self, finding, head)
  if not self.said[finding.what] then
    self.said[finding.what] = true
    self:say("%s", format.finding(finding, head))
  end
end

local function check(self, load)
  local spec = self:spec(load)
  spec.on_interval = nil
  for _, finding in ipairs(preflight.findings(spec)) do
    if preflight.matters(finding) then
      say_finding(self, finding)
    end
  end
end

--- Makes everything ready, or ends the script with one line. loads: what will be
-- run, for checks and warnings before the start; preset: fields of tspam.run that
-- hold where the command line says nothing.
local function open(options, loads, preset)
  local fields = cli.run_fields(options)
  for name, value in pairs(preset or {}) do
    if fields[name] == nil then
      fields[name] = value
    end
  end
  local self = setmetatable({
    options = options, fields = fields, said = {}, results = {}, dry_run = not options.host,
    waits = progress.new { quiet = options.quiet },
  }, Job)
  to_json.check(options.json)
  -- The server first: with it in this process a connection takes two descriptors.
  self.server = resolve_target(options, fields, function(...) self:say(...) end)
  for _, load in ipairs(loads or {}) do
    check(self, load)
  end
  if self.server then
    self:say("dry run: no --host, so a server of our own answers on %s", self.server:address())
  end
  self.target = { host = options.host or fields.host, address = fields.host,
    port = fields.port or 2345 }
  return self
end

--- Says which limits a search will meet that climbs from one rate, to another (nil:
-- as far as this machine is likely to come).
function Job:foresee(load, from, to)
  for _, entry in ipairs(preflight.ladder(self:spec(load), from, to)) do
    say_finding(self, entry.finding, ("note: from %s on"):format(format.rate(entry.rate)))
  end
end

--- Runs one load (fields of tspam.run, over those of the command line) with
-- progress on stderr. -> result, which is also kept in job.results | nil, message. A
-- load's own on_interval is called after the progress line was cleared.
function Job:try(load)
  local line = progress.new { label = load.label or load_label(load), quiet = self.options.quiet }
  local spec = self:spec(load)
  spec.on_interval = function(figures)
    if load.on_interval then
      line:clear()
      return load.on_interval(figures)
    end
    line:update(figures)
  end
  local result, message = tspam.run(spec)
  line:clear()
  if not result then
    return nil, message
  end
  result.target.dry_run = self.dry_run -- for the report
  self.results[#self.results + 1] = result
  return result
end

--- The same, but a load that the machine refuses ends the script with one line where
-- nothing was measured before it. After other loads -> nil: measure no more, but finish,
-- which tells what was measured, and the refusal.
function Job:run(load)
  local result, message = self:try(load)
  if not result and not self.results[1] then
    exit(1, message)
  elseif not result then
    self.refused = { load = load, text = ("%s: %s"):format(load_label(load), message) }
  end
  return result
end

--- True when a signal has come: run nothing more, but finish.
function Job.interrupted()
  return tspam.interrupted() ~= nil
end

--- Seconds that one sleep of a wait lasts.
local WAIT_STEP <const> = 0.25
--- What is left below this is no wait: a clock may not tell it from nothing.
local SHORTEST <const> = 1e-6
--- A wait that is shorter is not shown.
local SHOWN_FROM <const> = 1

--- Waits, and shows it: "waiting for WHAT, 40 s of at most 300 s". already: seconds that
-- were waited for this before; most: seconds that it may take (what was waited for
-- already, and now). -> true, or false when a signal came
function Job:wait(seconds, what, already, most)
  already = already or 0
  most = most or already + seconds
  local line, from = self.waits, tspam.now()
  local waited, undisturbed = 0, not self:interrupted()
  while undisturbed and seconds - waited > SHORTEST do
    if most >= SHOWN_FROM then
      line:waiting(what, already + waited, most)
    end
    undisturbed = tspam.sleep(math.min(WAIT_STEP, seconds - waited))
    waited = tspam.now() - from
  end
  line:clear()
  return undisturbed
end

--- Judges --require, writes the JSON and gives the exit status: see tspam.job.exit.
function Job:finish(outcome)
  return finish(self, outcome)
end

function Job:__close()
  if self.server then
    self.server:stop()
  end
end

return { open = open }
