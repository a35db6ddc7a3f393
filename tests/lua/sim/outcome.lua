--- How the connections of a simulated run end: methods of a run. They work on flows, batches
-- of connections on their way through the device: { n=, at= (when the first was due), step=
-- (from each to the next), wait=, wait_step= (delays on the way), slow= (so many were sent
-- again, which takes `extra`), missed= (answers that this machine misses), rate=, entry=,
-- entries= (their numbers in the device's table) }.

local Outcome = {
  RETRY = 1, -- the kernel sends a SYN again after so many seconds
  QUICK_RETRY = 0.2, -- and data
}

local REFUSALS <const> = {
  drop = "timeout/connect", rst = "refused/connect", icmp = "unreachable/connect",
  port = "no-port/connect",
}

--- How long a connection is open, when nothing delays it.
function Outcome:takes()
  return self.device.base + self.spec.hold
end

local function note_failure(self, time)
  self.first_failure = math.min(self.first_failure or math.huge, time)
end

--- n connections fail, the first of which was due at `due`.
function Outcome:fail(cause, n, due, step)
  local silent = cause:find("^timeout")
  local after = silent and self.spec.timeout or cause:find("^no%-") and 0 or self.device.base / 2
  note_failure(self, silent and due or due + after)
  if silent and after > self.RETRY then
    self.retransmitted = self.retransmitted + n
  end
  self.ends:add(cause, { n = n, at = due + after, step = step, due = due, due_step = step })
end

--- Of a flow so many pass; the first that does not is number `first` (from 0; nil: all pass).
function Outcome:thin(flow, passed, first, how)
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

-- n of a flow get no answer in time.
local function miss(self, flow, n)
  local due, hold = flow.at, self.spec.hold
  note_failure(self, due + self.device.base / 2 + hold)
  self.ends:add("timeout/reply", { n = n, at = due + self.spec.timeout + hold,
    step = flow.step, due = due, due_step = flow.step })
  flow.n = flow.n - n
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

--- What the device let through ends well, when its time has come.
function Outcome:answers(flow)
  local device, missed = self.device, math.min(flow.missed, flow.n)
  if missed > 0 then
    miss(self, flow, missed)
  end
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

-- n connections whose exchange would end now get no answer before `at`: an outage that is
-- over by then answers them late.
local function unanswered(self, batch, n, at)
  local timeout = self.spec.timeout
  local late = at < batch.at + timeout
  if not late then
    note_failure(self, batch.at - batch.takes / 2)
  end
  self.ends:add(late and "again" or "timeout/reply", { n = n,
    at = late and at + batch.takes or batch.at + timeout, step = late and 0 or batch.step,
    due = batch.due, due_step = batch.due_step, takes = batch.takes })
end

--- The first n of a batch end: well, unless the device is mute or has forgotten them.
function Outcome:take(name, batch, n)
  if name ~= "ok" and name ~= "again" then
    self.failures[name] = (self.failures[name] or 0) + n
    self.failed = self.failed + n
    return
  end
  local mute = self.device:mute_until(batch.at)
  if mute then
    return unanswered(self, batch, n, mute)
  end
  local lost = self.device:lost(batch, n)
  if lost > 0 then
    unanswered(self, batch, lost, math.huge)
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

return Outcome
