--- A result of known figures, as tspam.run gives it, without a socket.

local fixture = {}

-- A histogram of these values, with the methods of tspam's own.
function fixture.hist(values)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local sum = 0
  for _, v in ipairs(sorted) do
    sum = sum + v
  end
  local hist = {}
  function hist.count() return #sorted end
  function hist.min() return sorted[1] end
  function hist.max() return sorted[#sorted] end
  function hist.mean() return #sorted > 0 and sum / #sorted or nil end
  function hist.stdev() return #sorted > 0 and 0.5 or nil end
  function hist.percentile(_, p)
    return sorted[math.max(1, math.ceil(p / 100 * #sorted))]
  end
  return hist
end

--- A finished run; changes are laid over it.
function fixture.result(changes)
  local values = {}
  for i = 1, 100 do
    values[i] = i / 1000
  end
  local result = {
    rate = 1000.0, achieved = 999.5, completed = 990.0, length = 10.0, elapsed = 10.1,
    due = 10000, started = 10000, ok = 9900, failed = 100, aborted = 0, capped = 0,
    not_started = 0, retransmitted = 7, retransmitted_ok = 4, open_max = 31, bytes_sent = 40000,
    bytes_received = 39600, failures = { ["timeout/reply"] = 40, ["refused/connect"] = 60 },
    phases = { "latency", "connect", "oddity" }, latency = fixture.hist(values),
    connect = fixture.hist { 0.001 }, oddity = fixture.hist {},
    timeline = { { time = 1.0, started = 1000, ok = 990, failed = 10, open = 3, p50 = 0.05 } },
    verdict = "valid", reasons = {}, warnings = {}, counters = {}, sources = { tuples = 28232 },
    cpu = { user = 1.5, system = 2.5, share = 0.25 }, interrupted = false,
    target = { host = "device.example", address = "192.0.2.7", port = 2345 },
    spec = { content = { bytes = 4, sha256 = "ab" }, hold = 0.5 },
  }
  for name, value in pairs(changes or {}) do
    result[name] = value
  end
  return result
end

return fixture
