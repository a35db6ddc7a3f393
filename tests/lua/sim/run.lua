--- One simulated run of tspam.run, in slots of virtual time.
-- run(spec, device, clock) -> result. spec: fields of tspam.run, complete and in numbers.
-- clock: { now=, interrupt_at= (math.huge) }; it goes on.

local ends = require "sim.ends"
local figures = require "sim.figures"
local result_of = require "sim.result"
local schedule_of = require "sim.schedule"

local Run = {
  RETRY = 1, -- the kernel sends a SYN again after so many seconds
  QUICK_RETRY = 0.2, -- and data
}
Run.__index = Run

--- A run is cut in so many slots, and in no more than so many for the device's sake.
local SLOTS <const>, MOST <const> = 32, 400

local REFUSALS <const> = {
  drop = "timeout/connect", rst = "refused/connect", icmp = "unreachable/connect",
  port = "no-port/connect",
}

--- How long a connection is open, when nothing delays it.
function Run:takes()
  return self.device.base + self.spec.hold
end

local function note_failure(self, time)
  self.first_failure = math.min(self.first_failure or math.huge, time)
end

--- n connections fail, the first of which was due at `due`.
function Run:fail(cause, n, due, step)
  local silent = cause:find("^timeout")
  local after = silent and self.spec.timeout or cause:find("^no%-") and 0 or self.device.base / 2
  note_failure(self, silent and due or due + after)
  if silent and after > self.RETRY then
    self.retransmitted = self.retransmitted + n
  end
  self.ends:add(cause, { n = n, at = due + after, step = step, due = due, due_step = step })
end

--- Of a flow so many pass; the first that does not is number `first` (from 0; nil: all pass).
function Run:thin(flow, passed, first, how)
  local n = flow.n
  if not first or passed >= n then
    return
  end
  local at = flow.at + first * flow.step
  self:fail(REFUSALS[how], n - passed, at, (flow.at + n * flow.step - at) / (n - passed))
  flow.slow = flow.slow > 0 and self.dice:round(flow.slow * passed / n) or 0
  if first < passed then
    flow.step = flow.step * n / passed -- among each other
  end
  flow.n = passed
end

-- Of a flow that gets through, those whose answer comes after the time-out.
local function too_late(self, flow, takes)
  local patience, n = self.spec.timeout - takes, flow.n
  local last = flow.wait + (n - 1) * flow.wait_step
  if flow.wait <= patience and last <= patience then
    return
  end
  local late = last > patience and flow.wait <= patience
      and n - math.ceil((patience - flow.wait) / flow.wait_step) or n
  late = math.max(0, math.min(n, late))
  if late > 0 then
    local due = flow.at + (n - late) * flow.step
    note_failure(self, due + takes / 2 + self.spec.hold)
    self.ends:add("timeout/reply", { n = late, at = due + self.spec.timeout + self.spec.hold,
      step = flow.step, due = due, due_step = flow.step })
  end
  flow.n = n - late
end

local function answer(self, flow, name, n, takes)
  local extra = name == "again" and flow.extra or 0
  local at = flow.at + takes + flow.wait + self.spec.hold + extra
  local step = flow.step * flow.n / n + flow.wait_step
  local batch = { n = n, at = at, step = step, due = flow.at, due_step = flow.step * flow.n / n,
    takes = takes, entry = flow.entry, entry_step = flow.entry and flow.entries / n }
  self.device:enter(n, at, step)
  self.ends:add(name, batch)
end

-- What the device let through ends well, when its time has come.
local function answers(self, flow)
  local device = self.device
  local noise = device.jitter > 0 and 0.1 * device.jitter * self.dice:normal() or 0
  local takes = device.base * (1 + noise)
  too_late(self, flow, takes)
  local again = math.min(flow.slow, flow.n)
  if flow.n > again then
    answer(self, flow, "ok", flow.n - again, takes)
  end
  if again > 0 then
    answer(self, flow, "again", again, takes)
  end
end

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
  flow.entry = nil
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
    answers(self, flow)
  end
end

-- A connection that ends: well, unless the device has forgotten it.
local function take(self, name, batch, n)
  if name ~= "ok" and name ~= "again" then
    self.failures[name] = (self.failures[name] or 0) + n
    self.failed = self.failed + n
    return
  end
  local lost = self.device:lost(batch, n)
  if lost > 0 then
    note_failure(self, batch.at - batch.takes / 2)
    self.ends:add("timeout/reply", { n = lost, at = batch.at + self.spec.timeout,
      step = batch.step, due = batch.due, due_step = batch.due_step })
  end
  self.retransmitted = self.retransmitted + (name == "again" and n or 0)
  self.retransmitted_ok = self.retransmitted_ok + (name == "again" and n - lost or 0)
  self.ok = self.ok + n - lost
  if n > lost then
    local first = batch.at - batch.due + lost * (batch.step - batch.due_step)
    self.figures:ended(first, first + (n - lost - 1) * (batch.step - batch.due_step), n - lost,
      batch.takes)
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
  local schedule = self.schedule
  self.opening = self.opening and self.foreseen < schedule.total and to < self.start + schedule.length
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
    watched = spec.on_interval ~= nil, request_bytes = #(spec.content or "") }, Run)
  self.figures = figures.new(self.dice, device.jitter, spec.hold)
  self.took = function(name, batch, n) take(self, name, batch, n) end
  device:begin(self)
  if clock.now >= clock.interrupt_at then
    self.interrupted, self.stopped = true, self.start
  else
    go(self, clock)
  end
  clock.now = self.start + self.elapsed
  return result_of(self)
end
