--- This machine, where it is the limit: { late=, ceiling=, ports= }.
--   late     chance that a run is late, which makes it invalid; some answers are missed, too
--   ceiling  rate above which each run is late
--   ports    { count=, reuse= (60) }: each source port rests so long after it was taken

local entries_of = require "sim.entries"

local Generator = {}
Generator.__index = Generator

--- A late run: how late its starts are, what share of its answers it misses.
local LATE <const>, MISSED <const> = 0.025, 0.03

local function reason(limit, what, text)
  return { limit = limit, what = what, text = what .. ": " .. text }
end

function Generator:begin(run)
  local beyond = run.schedule.rate > self.ceiling
  self.is_late = self.dice:chance(self.late) or beyond
  if self.is_late then
    run.lateness, run.busy = LATE, beyond
    run.reasons[1] = reason("generator", "late starts", ("1 %% of the connections were started "
      .. "%.1f ms or more after they were due (bound 10.0 ms)"):format(1e3 * LATE))
  end
end

local function out_of_ports(self, flow, run)
  local before = flow.n
  self.ports:pass(flow, run)
  flow.entry = nil
  local missing = before - flow.n
  if missing > 0 and not run.no_port then
    run.no_port = true
    table.insert(run.reasons, reason("own ports", "own ports",
      "some connections found no free source port on this machine"))
  end
end

function Generator:pass(flow, run)
  if self.ports then
    out_of_ports(self, flow, run)
  end
  if self.is_late then
    flow.missed = run.dice:binomial(flow.n, MISSED)
  end
end

function Generator:next_change()
  return self.ports and self.ports:next_change()
end

return function(wanted, _, dice)
  local self = setmetatable({ late = wanted.late or 0, ceiling = wanted.ceiling or math.huge,
    dice = dice }, Generator)
  local ports = wanted.ports
  if ports then
    self.ports = entries_of { size = ports.count, ttl = ports.reuse or 60, refuse = "port" }
  end
  return self
end
