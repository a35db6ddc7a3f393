--- The gaps of a run: from when to when (nearly) nothing got through. Pure.
-- gaps.of(result) -> list of {from, to, exact, before, well, started, leaked}, after, well
--   from, to  seconds of the run, give or take exact; to is nil where it lasts to the end
--   before    how many got through since the gap before it, or the start; well: which share
--             of those tried, but for the last moments
--   leaked    how many did in it, of those started in it
--   after     how many got through since the last gap; well: which share of those tried

local passing = require "tspam.full_table.passing"

--- Fewer failures than this tell nothing.
local FEW <const> = 10
--- What may get through in a gap, of all that is tried. Entries that a table gives back
-- for a moment may be more, where they part a gap in two.
local LEAK <const>, GIVEN_BACK <const> = 0.05, 0.1
--- Two gaps are one where less than this part of what got through before the first gets
-- through between them.
local BRIEF <const> = 0.5
--- So many leaks or more, in each quarter of a gap at least this part of an even share:
-- that is a rate, however low, not a leak.
local RATE_LIKE <const>, EVEN <const> = 6, 0.3
--- So much of what is missing in a gap must be told as failures.
local TOLD <const> = 0.8

local function sum(list, name, first, last)
  local n = 0
  for i = math.max(1, first), math.min(#list, last) do
    n = n + list[i][name]
  end
  return n
end

-- Neighbouring slices in which less than half got through -> list of {first, last, whole}:
-- whole is true where nearly nothing got through one of them.
local function stretches(list)
  local found, open = {}, nil
  for i, slice in ipairs(list) do
    if slice.passed < slice.started / 2 then
      open = open or { first = i }
      open.last, open.whole = i, open.whole or slice.passed <= LEAK * slice.started
    elseif open then
      found[#found + 1], open = open, nil
    end
  end
  -- New ones may get through again in the very last slice.
  if open and open.first < open.last and list[#list].passed > LEAK * list[#list].started then
    open.last = open.last - 1
  end
  found[#found + 1] = open
  return found
end

local function share(list, first, last)
  local started = sum(list, "started", first, last)
  return started > 0 and sum(list, "passed", first, last) / started or 0
end

-- Entries that are given back for a moment do not end a gap.
local function joined(list, found)
  local before = found[1] and sum(list, "passed", 1, found[1].first - 1) or 0
  local all = { found[1] }
  for i = 2, #found do
    local last, this = all[#all], found[i]
    local between = sum(list, "passed", last.last + 1, this.first - 1)
    if between < BRIEF * before and share(list, last.first + 1, this.last) <= GIVEN_BACK then
      last.last, last.parted = this.last, true
      last.whole = last.whole or this.whole
    else
      all[#all + 1] = this
    end
  end
  return all
end

-- The time within slices first..last at which all before got through and none after
-- (ending: the other way round): as many do as did.
local function edge(list, first, last, ending)
  first, last = math.max(1, first), math.min(#list, last)
  local from, to = list[first].from, list[last].to
  local part = math.min(1, share(list, first, last))
  return ending and to - part * (to - from) or from + part * (to - from)
end

-- In each quarter of slices first..last about as many got through as in the others.
local function rate_like(list, first, last)
  local leaked, n = sum(list, "passed", first, last), last - first + 1
  if leaked < RATE_LIKE or n < 4 then
    return false
  end
  for i = 0, 3 do
    local from, to = first + i * n // 4, first + (i + 1) * n // 4 - 1
    if sum(list, "passed", from, to) < EVEN * leaked * (to - from + 1) / n then
      return false
    end
  end
  return true
end

-- A stretch as a gap, or nil where too much leaked, or too little failed. The slices at
-- its ends are partly dead, and by the shift of the ends so may be their neighbours.
local function measured(list, stretch, told)
  local first, last = stretch.first, stretch.last
  local middle, at_end = (first + last) // 2, last == #list
  local alive, again = math.min(first + 1, middle), math.max(last - 1, middle + 1)
  local inner = at_end and last or again - 1
  local missing = sum(list, "started", first, last) - sum(list, "passed", first, last)
  local gap = { first = first, last = last, exact = list[first].to - list[first].from,
    from = edge(list, first - 1, alive),
    to = not at_end and edge(list, again, last + 1, true) or nil,
    leaked = sum(list, "passed", alive + 1, inner),
    started = math.max(missing, sum(list, "started", alive + 1, inner)) }
  if missing < FEW or gap.leaked > (stretch.parted and GIVEN_BACK or LEAK) * gap.started
    or not stretch.parted and rate_like(list, alive + 1, inner)
    or told(gap.from, gap.to or list[last].to) < TOLD * missing then
    return nil
  end
  return gap
end

local gaps = {}

function gaps.of(result)
  local list, told = passing.of(result)
  local found, since = {}, 1
  for _, stretch in ipairs(joined(list, stretches(list))) do
    local gap = stretch.whole and measured(list, stretch, told)
    if gap then
      gap.before = sum(list, "passed", since, gap.first)
      gap.well = gap.first - 2 > since and share(list, since + 1, gap.first - 2) or 1
      found[#found + 1], since = gap, gap.last
    end
  end
  if #found == 0 then
    return found, 0, 1
  end
  return found, sum(list, "passed", since, #list), share(list, since + 1, #list)
end

--- Does what gets through from a time on do so evenly, as through a limit of the rate?
function gaps.rate_like(result, time)
  local list = passing.of(result)
  for i, slice in ipairs(list) do
    if slice.from >= time then
      return rate_like(list, i, #list)
    end
  end
  return false
end

return gaps
