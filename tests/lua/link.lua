--- A simulated link: answers a search's trials by arithmetic instead of sockets.
-- link.new(spec) -> object with :trial(rate, length) and .now, a clock of its own
-- that trials and :idle(seconds) advance: state outlives a trial, as it does in
-- a middlebox. The flow is cut into steps; each step passes these, where given:
--   bucket {rate, burst}     token bucket, the excess fails
--   limit {most, hold}       at most `most` open, each for hold seconds
--   entries {size, ttl}      fixed table, each entry kept ttl seconds
--   server {rate, queue}     queue of at most `queue` seconds in front of it
--   halts {every, seconds}   and now and then it serves nobody for so long
--   dies                     the link's time from which nothing gets through
--   outage {from, to}        the same, for a while
--   loss                     share of first packets lost; retransmit = true: sent
--                            again in time, else failed
--   base, jitter             median latency; its spread, as a share
--   ceiling, stall           rate past which the generator is late; chance that it
--                            stalls in a trial
--   ports                    connections after which source ports run out

local search = require "tspam.search"

local STEPS = 48

local Link = {}
Link.__index = Link

-- xorshift64*: a search's outcome depends on its seed alone.
local function uniform(self)
  local x = self.seed
  x = x ~ (x >> 12)
  x = x ~ (x << 25)
  x = x ~ (x >> 27)
  self.seed = x
  return ((x * 0x2545F4914F6CDD1D) >> 11) * 2.0 ^ -53
end

local function normal(self)
  return math.sqrt(-2 * math.log(1 - uniform(self))) * math.cos(2 * math.pi * uniform(self))
end

local function binomial(self, n, p)
  if n == 0 or not p or p <= 0 then
    return 0
  elseif n * p > 30 then
    local drawn = n * p + math.sqrt(n * p * (1 - p)) * normal(self)
    return math.max(0, math.min(n, math.floor(drawn + 0.5)))
  end
  -- Poisson by its waiting times, cut off at n.
  local k, level, product = 0, math.exp(-n * p), uniform(self)
  while product > level do
    k, product = k + 1, product * uniform(self)
  end
  return math.min(k, n)
end

local function bucket_of(rate, burst)
  return { rate = rate, burst = burst, tokens = burst, at = 0 }
end

-- Connections come evenly within a step, so what drips in meanwhile is used.
local function through_bucket(bucket, now, dt, n)
  bucket.tokens = math.min(bucket.burst, bucket.tokens + bucket.rate * (now - bucket.at))
  local filled = bucket.tokens + bucket.rate * dt
  local passed = math.min(n, math.floor(filled + 1e-9))
  bucket.tokens = math.min(bucket.burst, filled - passed)
  bucket.at = now + dt
  return passed
end

local function through_table(t, now, n)
  while t[t.head] and t[t.head].at + t.ttl <= now do
    t.used, t.head = t.used - t[t.head].n, t.head + 1
  end
  local passed = math.min(n, t.size - t.used)
  t[#t + 1] = { at = now, n = passed }
  t.used = t.used + passed
  return passed
end

-- Returns how many find room in the queue and how long the last of them waits.
local function through_server(server, dt, n)
  local room = server.rate * (server.queue + dt) - server.waiting
  local passed = math.min(n, math.max(0, math.floor(room)))
  server.waiting = math.max(0, server.waiting + passed - server.rate * dt)
  return passed, server.waiting / server.rate
end

function Link:pass(n, dt)
  local spec, wait = self.spec, 0
  local outage = spec.outage
  if spec.dies and self.now >= spec.dies
    or outage and self.now >= outage[1] and self.now < outage[2] then
    return 0, 0
  end
  for _, bucket in ipairs(self.buckets) do
    n = through_bucket(bucket, self.now, dt, n)
  end
  if self.entries then
    n = through_table(self.entries, self.now, n)
  end
  if self.server then
    local halts = spec.halts or { math.huge, 0 }
    local halted = math.max(0, math.min(dt, halts[2] - self.now % halts[1]))
    n, wait = through_server(self.server, dt - halted, n)
  end
  return n, wait
end

local function weighted_median(list)
  table.sort(list, function(a, b) return a[1] < b[1] end)
  local sum, seen = 0, 0
  for _, pair in ipairs(list) do
    sum = sum + pair[2]
  end
  for _, pair in ipairs(list) do
    seen = seen + pair[2]
    if seen >= sum / 2 and seen > 0 then
      return pair[1]
    end
  end
end

local function new_result(rate, length)
  return { rate = rate, length = length, due = 0, started = 0, ok = 0, failed = 0,
    retransmitted = 0, retransmitted_ok = 0, failures = {}, timeline = {}, verdict = "valid",
    reasons = {} }
end

local function fail(r, n, cause, time, before)
  if n > 0 then
    r.failures[cause] = (r.failures[cause] or 0) + n
    r.failed = r.failed + n
    r.first_failure = r.first_failure or { time = time, count = before }
  end
end

-- One step of a trial: n connections due in dt seconds. Returns ok and latency.
function Link:step(r, n, dt, time)
  local spec, due = self.spec, r.due
  r.due, r.started = r.due + n, r.started + n
  local left = spec.ports and math.max(0, spec.ports - due) or n
  fail(r, n - math.min(n, left), "no-port/connect", time, due + left)
  local passed, wait = self:pass(math.min(n, left), dt)
  fail(r, math.min(n, left) - passed, "timeout/connect", time, due + passed)
  local lost = spec.mute and passed or binomial(self, passed, spec.loss)
  if spec.retransmit then
    r.retransmitted, r.retransmitted_ok = r.retransmitted + lost, r.retransmitted_ok + lost
    lost = 0
  end
  fail(r, lost, spec.mute and "timeout/reply" or "timeout/connect", time, due)
  r.ok = r.ok + passed - lost
  local latency = (spec.base or 1e-3) * (1 + (spec.jitter or 0) * math.abs(normal(self))) + wait
  return passed - lost, latency
end

local function judge_generator(self, r)
  local spec = self.spec
  local late = r.rate > (spec.ceiling or math.huge) or uniform(self) < (spec.stall or 0)
  if late then
    r.verdict = "invalid"
    r.reasons = { { limit = "generator", what = "late starts", text = "late starts: 25 ms" } }
  end
end

local function quarter(r, before, slices, time)
  r.timeline[#r.timeline + 1] = {
    time = time, started = r.started - before.started, ok = r.ok - before.ok,
    failed = r.failed - before.failed, p50 = weighted_median(slices), open = before.open,
  }
end

function Link:trial(rate, length)
  local r, all, total, dt = new_result(rate, length), {}, 0, length / STEPS
  for q = 1, 4 do
    local before, slices = { started = r.started, ok = r.ok, failed = r.failed }, {}
    for i = (q - 1) * STEPS // 4 + 1, q * STEPS // 4 do
      local due = math.floor(rate * length * i / STEPS + 1e-6)
      local ok, latency = self:step(r, due - total, dt, (i - 1) * dt)
      slices[#slices + 1], all[#all + 1] = { latency, ok }, { latency, ok }
      before.open = math.floor(rate * math.min(latency, i * dt))
      total, self.now = due, self.now + dt
    end
    quarter(r, before, slices, q * length / 4)
  end
  local median = weighted_median(all)
  r.latency = { percentile = function() return median end }
  judge_generator(self, r)
  self:idle(self.spec.pause or 1)
  return r
end

-- Time passes without load: queues drain.
function Link:idle(seconds)
  self.now = self.now + seconds
  if self.server then
    self.server.waiting = math.max(0, self.server.waiting - self.server.rate * seconds)
  end
end

local function new(spec)
  local self = setmetatable({ spec = spec, now = 0, buckets = {} }, Link)
  self.seed = (spec.seed or 1) * 0x9E3779B97F4A7C15 | 1
  for _ = 1, 10 do
    uniform(self) -- the first draws of neighbouring seeds are alike
  end
  if spec.bucket then
    self.buckets[1] = bucket_of(spec.bucket.rate, spec.bucket.burst)
  end
  if spec.limit then
    local rate = spec.limit.most / spec.limit.hold
    self.buckets[#self.buckets + 1] = bucket_of(rate, spec.limit.most)
  end
  if spec.entries then
    self.entries = { size = spec.entries.size, ttl = spec.entries.ttl, used = 0, head = 1 }
  end
  if spec.server then
    self.server = { rate = spec.server.rate, queue = spec.server.queue, waiting = 0 }
  end
  return self
end

--- A search on a link of this spec, in its time -> outcome, answer
local function find(spec, goals)
  local simulated = new(spec)
  goals = goals or {}
  goals.length = goals.length or 3
  goals.wait = function(seconds) simulated:idle(seconds) end
  goals.now = function() return simulated.now end
  local outcome = search(function(rate, length)
    return simulated:trial(rate, length)
  end, goals)
  return outcome, outcome.answer
end

return { new = new, find = find }
