--- One simulated run of tspam.run, in slots of virtual time.
-- run(spec, device, clock) -> result. spec: fields of tspam.run, complete and in numbers.
-- clock: { now=, interrupt_at= (math.huge) }; it goes on.

local ends = require "sim.ends"
local figures = require "sim.figures"
local outcome = require "sim.outcome"
local result_of = require "sim.result"
local schedule_of = require "sim.schedule"

local Run = setmetatable({}, { __index = outcome })
Run.__index = Run

--- A run is cut in so many slots, and in no more than so many for the device's sake.
local SLOTS <const>, MOST <const> = 32, 400

local function open_now(self)
  return self.started - self.ok - self.failed
end

-- How many are due in a slot. Those of "poisson" waver about it.
local function arrivals(self, to)
  local due = self.schedule.due_by(to - self.start)
  local n = due - self.foreseen
  self.foreseen = due
  return self.spec.arrivals == "poisson" and self.dice:poisson(n) or n
end

local function begin_flow(self, first, n)
  local schedule, flow = self.schedule, self.flow
  local at = schedule.at(first)
  flow.n, flow.at, flow.step = n, self.start + at, (schedule.at(first + n) - at) / n
  flow.wait, flow.wait_step, flow.slow, flow.extra = 0, 0, 0, self.QUICK_RETRY
  flow.rate, flow.entry, flow.missed = 1 / flow.step, nil, 0
  return flow
end

local function open_new(self, to)
  local before = self.foreseen
  local n = arrivals(self, to)
  if n == 0 then
    return
  end
  local flow = begin_flow(self, before, n)
  self.due = self.due + n
  flow.n = math.min(n, math.max(0, (self.spec.max_open or math.huge) - open_now(self)))
  self.capped, self.started = self.capped + n - flow.n, self.started + flow.n
  self.open_max = math.max(self.open_max, 1)
  if flow.n > 0 then
    self.device:pass(flow, self)
  end
  if flow.n > 0 then
    self:answers(flow)
  end
end

-- Ends the holds: what is open is answered now.
local function stop(self, now)
  self.stopped, self.opening = now, false
  self.ends:each(function(name, batch)
    local at = now + (batch.takes or 0) / 2
    if (name == "ok" or name == "again") and batch.at > at then
      batch.at, batch.step = at, 0
    end
  end)
  self.ends.last = math.max(self.ends.last, now)
end

local function close(self, time)
  local interval = self.figures:interval(time - self.start, self)
  if self.watched and self.spec.on_interval(interval) == false then
    self.watched = false
    stop(self, time)
  end
end

local function slot(self, to)
  if self.opening then
    open_new(self, to)
  end
  self.open_max = math.max(self.open_max, open_now(self))
  self.ends:settle(to, self.took)
  self.opening = self.opening and self.foreseen < self.schedule.total
    and to < self.start + self.schedule.length
end

-- Slots fit into intervals.
local function slot_length(self)
  local length, interval = self.schedule.length, self.spec.interval
  local wanted = math.min(length / SLOTS, self.device:slot(self:takes()))
  wanted = math.min(interval, math.max(wanted, length / MOST))
  return interval / math.ceil(interval / wanted)
end

local function go(self, clock)
  local now, k, interval = self.start, 1, self.spec.interval
  local length = slot_length(self)
  while self.opening or open_now(self) > 0 do
    local end_of_interval = self.start + k * interval
    local to = math.min(end_of_interval, clock.interrupt_at,
      self.device:next_change(now) or math.huge)
    to = math.min(to, self.opening and now + length or math.huge)
    to = end_of_interval - to < length * 1e-6 and end_of_interval or to
    slot(self, to)
    now = to
    if now >= clock.interrupt_at then
      self.stopped, self.interrupted = now, true
      break
    elseif now == end_of_interval and (self.opening or open_now(self) > 0) then
      clock.now = now
      close(self, now)
      k = k + 1
    end
  end
  local last = self.interrupted and now or math.min(now, self.ends.last)
  self.elapsed = last - self.start
  self.watched = false
  close(self, last)
end

return function(spec, device, clock)
  local self = setmetatable({ spec = spec, device = device, dice = device.dice,
    start = clock.now, schedule = schedule_of(spec), opening = true, ends = ends(), due = 0,
    foreseen = 0, flow = {}, started = 0, ok = 0, failed = 0, capped = 0, retransmitted = 0,
    retransmitted_ok = 0, open_max = 0, failures = {}, elapsed = 0,
    reasons = {}, watched = spec.on_interval ~= nil, request_bytes = #(spec.content or "") }, Run)
  self.figures = figures.new(self.dice, device.jitter, spec.hold)
  self.lateness = self.figures.lateness
  self.took = function(name, batch, n) self:take(name, batch, n) end
  device:begin(self)
  self.figures.lateness = self.lateness
  if clock.now >= clock.interrupt_at then
    self.interrupted, self.stopped = true, self.start
  else
    go(self, clock)
  end
  clock.now = self.start + self.elapsed
  return result_of(self)
end
