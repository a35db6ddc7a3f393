--- A saturation search with real connections: what tspam.search is handed.
-- saturation(job, options) -> outcome of the search, with ceiling, and reuse or
-- reuse_unknown (the kernel picked ports, or each trial walked by itself) added.
-- options: those of tspam.search, and cooldown, between (a command), timeout (nil:
-- short, raised by the lowest load's), calibrate, diagnose.

local tspam = require "tspam"
local calibrate = require "tspam.calibrate"
local diagnose = require "tspam.diagnose"
local failures = require "tspam.failures"
local format = require "tspam.format"
local search = require "tspam.search"
local port_walk = require "tspam.port_walk"

--- Below a second, so that the retry of a dropped SYN does not hide the drop.
local TIMEOUT <const> = 0.9
--- The time-out is raised to so many times the lowest load's p99.
local PATIENCE <const> = 4
--- For a lowest load that does not answer in TIMEOUT.
local LONG_TIMEOUT <const> = 5
--- A target's limit this near to the generator's is not known to be the target's.
local NEAR_CEILING <const> = 0.8

-- stdout is the result's, so what the command says goes to stderr. (Not os.execute:
-- while that runs, Ctrl-C reaches the command alone.) -> true | nil, what went wrong
local function command(text)
  local pipe <close> = io.popen("exec >&2\n" .. text, "r")
  if not pipe then
    return nil, ("--between: cannot run '%s'"):format(text)
  end
  local done, how, status = pipe:close()
  if done or tspam.interrupted() then
    return true
  end
  return nil, ("--between: '%s' ended with %s %d"):format(text,
    how == "exit" and "status" or "signal", status)
end

-- What was not set back makes the next figures wrong: a failed command is an error.
local function between(job, options, at_once)
  local done, problem = true, nil
  if options.between then
    done, problem = command(options.between)
  end
  if done and options.cooldown > 0 and not at_once then
    job:wait(options.cooldown, "the next trial")
  end
  return done, problem
end

--- A trial's timeline has so many entries.
local SLICES <const> = 20

-- -> trial function; memo keeps what trials leave to each other.
local function trial_maker(job, options, memo)
  return function(load)
    if load.n > 1 and not job:interrupted() then
      local done, problem = between(job, options, load.at_once)
      if not done then
        return nil, problem
      end
    end
    local result, message = job:try {
      rate = load.rate, length = load.length, hold = load.hold, content = load.content,
      interval = load.interval or math.max(load.length / SLICES, 0.01), timeout = memo.timeout,
      label = load.label or ("trial %d, %s"):format(load.n, format.rate(load.rate)),
      on_interval = load.on_interval,
      local_ports = memo.walk and memo.walk:take(load.rate * load.length) or nil,
    }
    if memo.walk then
      memo.walk:ended()
    end
    local sources = result and result.sources or {}
    memo.reuse = math.min(memo.reuse or math.huge, sources.shortest_reuse or math.huge)
    memo.unknown = memo.unknown or not memo.walk
    return result, message
  end
end

-- The lowest load says how patient a trial must be. -> true: make it again. Where those
-- that got through were quick, the others were dropped: a longer wait would hide that
-- behind the retries. (The time-out does not run while a connection is held.)
local function learn_patience(memo, result, hold)
  local p99 = result.latency:percentile(99)
  local wanted = p99 and PATIENCE * (p99 - hold) or LONG_TIMEOUT
  if memo.timeout < LONG_TIMEOUT and wanted > TIMEOUT
    and failures.count(result, "^timeout/") > 0.1 * result.started then
    memo.timeout = LONG_TIMEOUT
    return true
  end
  memo.timeout = math.max(TIMEOUT, p99 and wanted or 0)
end

--- A longer answer than this is not imitated.
local ANSWER_MAX <const> = 1 << 24

-- Bytes that the target answered, a connection.
local function answered(outcome)
  local first = outcome.trials[1] and outcome.trials[1].result
  local bytes = first and first.ok > 0 and first.bytes_received // first.ok or 0
  return math.min(bytes, ANSWER_MAX)
end

local function add_ceiling(job, outcome)
  local answer = outcome.answer
  local ceiling, message = calibrate(job.fields, answered(outcome))
  if not ceiling then
    return job:say("no calibration: %s", message)
  end
  outcome.ceiling = ceiling
  if answer.limited_by == "target" and answer.rate and answer.rate > NEAR_CEILING * ceiling then
    answer.limited_by, outcome.conclusive = "generator", false
    answer.reason = ("%s; but that is %.0f%% of the %s which this machine makes at all"):format(
      answer.reason, 100 * answer.rate / ceiling, format.rate(ceiling))
  elseif answer.limited_by == "generator" and answer.reason then
    answer.reason = ("%s; this machine's ceiling is %s"):format(answer.reason,
      format.rate(ceiling))
  end
end

-- What kind of limit it is, where there is a rate of the target's.
local function add_limit(job, outcome, trial)
  local answer, request = outcome.answer, job.fields.content
  if answer.limit or answer.limited_by ~= "target" or not answer.rate or not outcome.conclusive
    or answer.unstable_above or job:interrupted() then
    return
  end
  local n = #outcome.trials
  answer.limit = diagnose(outcome, function(load)
    n = n + 1
    load.n, load.label = n, ("what kind of limit: %s"):format(load.why)
    if load.rest then
      job:wait(load.rest, "the target to rest")
    end
    load.hold = load.hold and load.hold + (job.fields.hold or 0)
    return trial(load)
  end, request)
  if answer.limit.contradicts then
    answer.limited_by, outcome.conclusive = "none found", false
    answer.reason = answer.reason .. "; but at twice the rate all went well, so no limit is known"
  end
end

return function(job, wanted)
  local options = {}
  for name, value in pairs(wanted) do
    options[name] = value
  end
  local range = job.fields.local_ports
  range = range == "walk" and port_walk.own_half() or range
  local memo = { timeout = options.timeout or TIMEOUT }
  if range and range:find("^%d+%-%d+") then
    memo.walk = port_walk.new(range, #(job.fields.local_ips or {}))
  end
  if not options.timeout then
    local hold = job.fields.hold or 0
    options.on_lowest = function(result) return learn_patience(memo, result, hold) end
  end
  options.trial = trial_maker(job, options, memo)
  options.wait = function(seconds, what) return job:wait(seconds, what or "the next trial") end
  options.say = function(...) job:say(...) end
  options.waiting = function(what, waited, most) job.waits:waiting(what, waited, most) end
  local outcome = search(options)
  if options.diagnose then
    add_limit(job, outcome, options.trial)
  end
  if options.calibrate and not outcome.answer.unfinished then
    add_ceiling(job, outcome)
  end
  outcome.reuse = math.min(memo.reuse or math.huge, memo.walk and memo.walk.shortest or math.huge)
  outcome.reuse = outcome.reuse < math.huge and outcome.reuse or nil
  outcome.reuse_unknown = memo.unknown and not outcome.reuse
  return outcome
end
