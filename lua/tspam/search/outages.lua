--- Trials in which the target served nobody, or hardly anybody, for a while. Was it the load, a
-- full table, or an outage? An outage says nothing of the load: the trial is set aside.
--   outages.consider(search, trial, before) -> nil: the trial counts; or what was seen: make it
--   again (and hand that over, as before)
-- It ends the search where the target is a full table, or answers no more.

local format = require "tspam.format"
local full_table = require "tspam.full_table"
local stability = require "tspam.search.stability"

local outages = {}

--- So often in a search a full table is looked for, and after so many trials with a gap.
local LOOKS <const> = 2
outages.GAPS = 3
--- More than this share failing is hardly anything that got through; less than this share
-- getting through is nothing.
local DEAD <const>, NOTHING <const> = 0.9, 0.05
--- No table holds fewer: so few are the same by chance.
local FEW <const> = 10
--- What gets through in a trial is more than another's count, beyond doubt.
local MORE <const> = 1.1
--- The target answers where more than this share of a probe got through.
local ANSWERS <const> = 0.5

local function hardly_anything(t)
  return t.failed > DEAD * t.n or t.last ~= nil and t.last.ok == 0 and t.last.started > 0
end

-- What tspam.full_table needs to look at the target itself.
local function device(s)
  local options = s.options
  return {
    run = function(load)
      load.at_once = true
      return s:run(load)
    end,
    wait = options.wait, now = options.now, say = options.say or function() end,
    waiting = options.waiting,
    low = s.evidence.lowest.rate, patience = options.recover, began = s.began,
  }
end

-- What a trial shows of a full table. In one in which nothing got through it was full from
-- the first: then all that got through before may be in it.
local function seen_in(s, trial, gap)
  local t = trial.figures
  local seen = full_table.seen(trial.result)
  if not seen and gap and t.ok > NOTHING * t.n then
    seen = { connections = gap.count, time = gap.from, again = gap.to, rate = trial.rate }
  end
  seen = seen or { connections = t.ok, time = 0, rate = trial.rate }
  seen.began, seen.in_all = trial.begin, s.reached
  return seen
end

-- from, to: times of options.now
local function set_aside(s, trial, from, to)
  local outage = { from = from - s.began, to = to - s.began }
  trial.aside = true
  trial.trial, trial.why = "invalid", ("the target served nobody from %.0f s to %.0f s"):format(
    outage.from, outage.to)
  table.insert(s.outages, outage)
end

-- It was no outage after all.
local function count_again(s, trial)
  trial.aside = nil
  trial.trial, trial.why = "fail", s:lost(trial)
  table.remove(s.outages)
end

--- What a look at the target ends the search with.
local endings = {}

function endings.state(s, _, verdict)
  s:stop { limited_by = "target", limit = verdict, conclusive = true,
    reason = "a table of the target is full" }
end

function endings.silent(s, trial, verdict)
  s:stop { unfinished = true, upper = trial.rate, reason = (
    "at %s the target stopped answering, and answers no more at %s either, for %.0f s: it died, "
    .. "or a table of it is full (%s were made in all)"):format(format.rate(trial.rate),
    format.rate(s.evidence.lowest.rate), verdict.waited, format.plural(s.made, "connection")) }
end

function endings.interrupted(s)
  s:stop { reason = "interrupted", unfinished = true }
end

function endings.error(s, _, verdict)
  s.error = verdict.message
  s:stop { reason = verdict.message, unfinished = true }
end

-- Waits until the target accepts again, and counts anew -> verdict of tspam.full_table
local function look(s, trial, seen)
  s.looks = s.looks + 1
  local verdict = full_table.examine(device(s), seen)
  if endings[verdict.kind] then
    endings[verdict.kind](s, trial, verdict)
  end
  return verdict
end

-- Hardly anything got through. Where the lowest rate does not either, it is not the load.
local function explain(s, trial)
  local seen = seen_in(s, trial)
  local probe = s:measure(s.evidence.lowest.rate, s.options.length, true)
  local t = probe.figures
  local answers = probe.invalid or t.n - t.failed >= ANSWERS * t.n
  if answers and (not full_table.seen(trial.result) or s.looks >= LOOKS) then
    return nil
  end
  local verdict = look(s, trial, seen)
  if answers then
    return nil
  end
  set_aside(s, trial, trial.begin, verdict.to or s.options.now())
  return { trial = trial }
end

-- A table of this many would have been full in a trial that let more through, and sooner.
local function refuted(s, count, time)
  for _, trial in ipairs(s.trials) do
    local t = trial.figures
    if t and t.failed == 0 and t.ok > MORE * count and trial.length <= time then
      return true
    end
  end
  return false
end

-- The target served nobody for a while, and then as before. It was an outage, unless a table
-- fills up and ages within each trial. Then it is the same count when the trial is made again;
-- or, where entries of one trial take room in the next, it happens too often.
local function gap_in(s, trial, before)
  local from, to, count = stability.outage(trial.result)
  local own = s.evidence:own_share()
  if not from or trial.figures.loss <= own + s.goals[1].loss then
    return nil
  elseif before and (before.count or 0) >= FEW and full_table.same(before.count, count)
    and not refuted(s, count, from) then
    count_again(s, before.trial)
    return nil
  end
  local gap = { trial = trial, from = from, to = to, count = count }
  s.gaps = s.gaps + 1
  if s.gaps % outages.GAPS == 0 and s.looks < LOOKS then
    look(s, trial, seen_in(s, trial, gap))
  end
  set_aside(s, trial, trial.begin + from, trial.begin + to)
  return gap
end

function outages.consider(s, trial, before)
  return hardly_anything(trial.figures) and explain(s, trial) or gap_in(s, trial, before)
end

return outages
