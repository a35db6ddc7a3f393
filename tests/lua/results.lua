--- Results of runs by arithmetic, as tspam.run returns them: for tests of the parts of a
-- search, which are handed results.
--   results.clean(rate, length, changes)       all is well, each takes 10 ms
--   results.bucket(rate, length, limit, burst) `limit` a second pass, and `burst` once; the
--                                              others time out
--   results.of(rate, length, passes)           passes(time, so far) -> does the next one pass?
-- changes: fields laid over the result.

local results = {}

--- As many slices as a trial of saturate has.
local SLICES <const> = 20

--- A histogram all of whose values are the same.
function results.median(seconds)
  return { percentile = function() return seconds end }
end

local function new(rate, length)
  return { rate = rate, length = length, due = 0, started = 0, ok = 0, failed = 0, aborted = 0,
    capped = 0, not_started = 0, retransmitted = 0, retransmitted_ok = 0, failures = {},
    timeline = {}, verdict = "valid", reasons = {}, latency = results.median(0.01),
    connect = results.median(0.004), interrupted = false, sources = {}, bytes_received = 0 }
end

local function finish(r, changes)
  for name, value in pairs(changes or {}) do
    r[name] = value
  end
  return r
end

function results.of(rate, length, passes)
  local r, n = new(rate, length), 0
  for slice = 1, SLICES do
    local to, ok, failed = slice * length / SLICES, 0, 0
    while n / rate < to - 1e-9 do
      if passes(n / rate, r.ok + ok) then
        ok = ok + 1
      else
        r.first_failure = r.first_failure or { time = n / rate, count = n }
        failed = failed + 1
      end
      n = n + 1
    end
    r.ok, r.failed = r.ok + ok, r.failed + failed
    r.timeline[slice] = { time = to, started = ok + failed, ok = ok, failed = failed, open = 3,
      p50 = ok > 0 and 0.01 or nil }
  end
  r.due, r.started = n, n
  r.failures["timeout/connect"] = r.failed > 0 and r.failed or nil
  return r
end

function results.clean(rate, length, changes)
  return finish(results.of(rate, length, function() return true end), changes)
end

function results.bucket(rate, length, limit, burst)
  return results.of(rate, length, function(time, passed)
    return passed + 1 <= burst + limit * time + 1e-9
  end)
end

return results
