--- A device of known truth, by arithmetic and in its own time: what full_table.examine is
-- handed, and results as tspam.run gives them. Connections pass, where given:
--   dies, outage {from, to}   nothing gets through from then on, or for a while
--   loss                      this share of SYNs
--   bucket {rate, burst}      the excess is refused
--   entries {size, ttl}       a table; ttl nil: for ever; flushed: empty before each run;
--                             lives = "closed": ttl counts from the end of a connection
--   refuses                   "timeout/connect" (default), "refused/connect", …
--   latency                   of a good one (4 ms); timeout (0.9 s)
-- table_device.new(spec) -> device with :run(load) (hold as well), now, wait …

local Device = {}
Device.__index = Device

local function uniform(self)
  self.seed = (self.seed * 1103515245 + 12345) % 2147483648
  return self.seed / 2147483648
end

local function room(self, now)
  local t = self.spec.entries
  while self.aging[self.head] and self.aging[self.head] <= now + 1e-9 do
    self.head, self.used = self.head + 1, self.used - 1
  end
  return self.used < t.size
end

local function enter(self, now, hold)
  local t = self.spec.entries
  self.used = self.used + 1
  if t.ttl then
    self.aging[#self.aging + 1] = now + t.ttl + (t.lives == "closed" and hold or 0)
  end
end

local function through_bucket(self, now)
  local bucket = self.spec.bucket
  self.tokens = math.min(bucket.burst, self.tokens + bucket.rate * (now - self.tokens_at))
  self.tokens_at = now
  if self.tokens < 1 then
    return false
  end
  self.tokens = self.tokens - 1
  return true
end

-- Does a connection that is due at now get through, and is held until it ends?
local function passes(self, now, hold)
  local spec = self.spec
  local out = spec.outage
  if spec.dies and now >= spec.dies or out and now >= out[1] and now < out[2] then
    return false, "timeout/connect"
  elseif spec.loss and uniform(self) < spec.loss then
    return false, "timeout/connect"
  elseif spec.bucket and not through_bucket(self, now)
    or spec.entries and not room(self, now) then
    return false, spec.refuses or "timeout/connect"
  end
  if spec.entries then
    enter(self, now, hold)
  end
  return true
end

local function slice_of(r, slices, time)
  local k = math.max(1, math.ceil(time / r.interval - 1e-9))
  slices[k] = slices[k] or { time = k * r.interval, started = 0, ok = 0, failed = 0, open = 0 }
  return slices[k]
end

local function ends_well(self, r, slices, due, at)
  local slice = slice_of(r, slices, at)
  r.ok, slice.ok = r.ok + 1, slice.ok + 1
  slice.p50 = at - due
end

local function fails(self, r, slices, due, cause, count)
  local late = cause:find("^timeout/") and (self.spec.timeout or 0.9) or self.spec.latency or 4e-3
  local slice = slice_of(r, slices, due + late)
  r.failed, slice.failed = r.failed + 1, slice.failed + 1
  r.failures[cause] = (r.failures[cause] or 0) + 1
  r.first_failure = r.first_failure or { time = due, count = count }
end

-- Opens what is due in one slice; those that are held are listed.
local function open_slice(self, r, slices, k, held)
  local slice = slice_of(r, slices, k * r.interval)
  local latency, hold = self.spec.latency or 4e-3, r.spec.hold
  while r.started < r.most and r.started / r.rate < k * r.interval - 1e-9 do
    local due = r.started / r.rate
    local fine, cause = passes(self, self.begin + due, hold)
    if fine and hold > 0 then
      held[#held + 1] = due
    elseif fine then
      ends_well(self, r, slices, due, due + latency)
    else
      fails(self, r, slices, due, cause, r.started)
    end
    r.started, slice.started = r.started + 1, slice.started + 1
  end
  return slice
end

local function gather(r, slices)
  local last = 0
  for k in pairs(slices) do
    last = math.max(last, k)
  end
  for k = 1, last do
    r.timeline[k] = slice_of(r, slices, k * r.interval)
  end
  r.elapsed, r.due = last * r.interval, r.started
  return r
end

-- A run of tspam's, in the device's time.
function Device:run(load)
  self.begin = self.time
  if self.spec.entries and self.spec.flushed then
    self.aging, self.head, self.used = {}, 1, 0
  end
  local r = { rate = load.rate, length = load.length, interval = load.interval or 1, started = 0,
    ok = 0, failed = 0, aborted = 0, failures = {}, timeline = {}, verdict = "valid",
    reasons = {}, most = math.floor(load.rate * load.length + 0.5),
    spec = { hold = load.hold or 0, timeout = self.spec.timeout or 0.9 } }
  local slices, held, k, latency = {}, {}, 0, self.spec.latency or 4e-3
  repeat
    k = k + 1
    local slice, go_on = open_slice(self, r, slices, k, held), true
    self.time = self.begin + k * r.interval
    if load.on_interval then
      go_on = load.on_interval(slice) ~= false
    end
  until not go_on or k * r.interval >= load.length - 1e-9
  for _, due in ipairs(held) do
    ends_well(self, r, slices, due, k * r.interval + latency)
  end
  self.time = self.begin + k * r.interval + (r.failed > 0 and 0.9 or latency)
  self.runs[#self.runs + 1] = r
  return gather(r, slices)
end

-- What examine is handed; low: its safe rate.
local function device(self, low, patience)
  return { low = low or 20, patience = patience or 60, began = 0,
    run = function(load) return self:run(load) end,
    now = function() return self.time end,
    wait = function(seconds) self.time = self.time + seconds end,
    say = function() end }
end

local function new(spec)
  return setmetatable({ spec = spec, time = 0, seed = spec.seed or 1, tokens_at = 0, runs = {},
    tokens = spec.bucket and spec.bucket.burst, aging = {}, head = 1, used = 0 }, Device)
end

--- A run of so many seconds on a device of its own; load: fields over those.
local function ran(spec, rate, length, load)
  local run = { rate = rate, length = length, interval = length / 20 }
  for name, value in pairs(load or {}) do
    run[name] = value
  end
  return new(spec):run(run)
end

local function near(got, want, by)
  assert(got and math.abs(got - want) <= by, ("got %s, want %s"):format(got, want))
end

return { new = new, device = device, ran = ran, near = near,
  REFUSALS = { "timeout/connect", "timeout/reply", "refused/connect", "reset/reply",
    "unreachable/connect" } }
