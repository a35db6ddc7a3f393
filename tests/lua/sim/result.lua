--- The table that tspam.run returns, of a simulated run that has ended.

--- What every thread of the generator costs in this simulation: seconds a connection.
local CPU <const> = 2e-5

-- Until then connections were opened.
local function opened_for(run)
  local length = run.schedule.length
  return run.stopped and math.min(length, run.stopped - run.start) or length
end

local function first_failure(run)
  if run.first_failure and run.failed > 0 then
    local time = run.first_failure - run.start
    return { time = time, count = time > 0 and run.schedule.due_by(time) or 0 }
  end
end

local function effective(spec, bytes)
  local copy = {}
  for name, value in pairs(spec) do
    copy[name] = value
  end
  copy.on_interval = nil
  copy.content = { bytes = bytes, sha256 = ("0"):rep(64) }
  copy.local_ports = spec.local_ports == "auto" and "walk" or spec.local_ports
  return copy
end

local function histograms(run, result)
  local n = result.started
  result.phases = { "latency", "service", "connect", "first_byte", "transfer", "lag" }
  for _, name in ipairs { "latency", "connect", "first_byte" } do
    result[name] = run.figures[name]
  end
  result.service = result.latency:copy()
  result.transfer, result.lag = tspam.histogram.new(), tspam.histogram.new()
  result.lag:record(run.lateness, n)
  result.transfer:record(1e-7, result.ok)
end

return function(run)
  local opening = opened_for(run)
  local result = { rate = run.schedule.rate, length = run.schedule.length,
    elapsed = run.elapsed, workers = run.spec.workers, interrupted = run.interrupted or false,
    due = run.due, started = run.started, ok = run.ok, failed = run.failed,
    aborted = run.started - run.ok - run.failed, capped = run.capped, not_started = 0,
    retransmitted = run.retransmitted, retransmitted_ok = run.retransmitted_ok,
    open_max = run.open_max, bytes_sent = run.ok * run.request_bytes,
    bytes_received = run.ok * (run.device.wanted.answer or 0), failures = run.failures,
    others = {}, first_failure = first_failure(run), timeline = run.figures.timeline,
    sources = { picked_by = "tspam", tuples = 28232, skipped = 0 }, reasons = run.reasons,
    warnings = {}, counters = { TcpActiveOpens = run.started },
    spec = effective(run.spec, run.request_bytes), label = run.spec.label,
    target = { host = run.spec.host, address = run.spec.host, port = run.spec.port } }
  result.verdict = run.reasons[1] and "invalid" or "valid"
  result.limited_by = run.reasons[1] and run.reasons[1].limit
  result.achieved = opening > 0 and run.started / opening or 0
  result.completed = run.elapsed > 0 and run.ok / run.elapsed or 0
  local busy = CPU * run.started
  result.cpu = { user = busy / 4, system = busy * 3 / 4,
    share = run.busy and 0.9 or run.elapsed > 0 and math.min(0.9, busy / run.elapsed / 2) or 0 }
  histograms(run, result)
  return result
end
