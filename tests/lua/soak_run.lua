--- Runs of known figures for tests of soak, and the criteria that stand in its script.

local soak = require "tspam.soak"

local soak_run = {}

-- The part of scripts/soak.lua in which they stand.
local function criteria()
  local path = arg[0]:match("^(.-)[^/]*$") .. "../../scripts/soak.lua"
  local file <close> = assert(io.open(path))
  local part = file:read("a"):match("\n(local function of_all.-\n)local options")
  local environment = setmetatable({ soak = soak, format = require "tspam.format" },
    { __index = _G })
  return assert(load(part .. "return criteria", "=soak.lua", "t", environment))()
end

soak_run.criteria = criteria()

--- A run of `length` seconds in slices of a quarter second. bad(i) -> failures of
-- slice i; open(i), p50(i) as well; what is left out is even.
function soak_run.new(rate, length, shape)
  shape = shape or {}
  local r = { rate = rate, length = length, ok = 0, failed = 0, started = 0, failures = {},
    timeline = {} }
  for i = 1, length * 4 do
    local n = rate // 4
    local bad = shape.bad and shape.bad(i, n) or 0
    r.timeline[i] = { time = i / 4, started = n, ok = n - bad, failed = bad,
      open = shape.open and shape.open(i) or 20, p50 = shape.p50 and shape.p50(i) or 0.004 }
    if bad > 0 and not r.first_failure then
      r.first_failure = { time = i / 4 - bad / rate, count = r.started + n - bad }
    end
    r.started, r.ok, r.failed = r.started + n, r.ok + n - bad, r.failed + bad
  end
  r.failures[shape.cause or "timeout/connect"] = r.failed > 0 and r.failed or nil
  r.due = r.started
  return r
end

function soak_run.judge(run)
  return soak.judge(run, soak_run.criteria)
end

return soak_run
