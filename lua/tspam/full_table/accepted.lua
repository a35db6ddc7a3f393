--- Waits until a target accepts: opens connections slowly until they get through.
-- accepted(device, count) -> {at, interval, late, made} | nil, verdict (full_table.lua)
--   at    the end of the first interval of those that got through, in the device's time;
--   late  none did before; made: how many did in all
--   count of a table that they must not fill (nil: not known)
-- accepted.run(work, load) -> result of a load | nil, verdict

local accepted = {}

--- So many intervals in which most were answered are acceptance; one in which they were
-- not takes back another.
local STEADY <const>, MOST <const> = 5, 0.5
--- The seconds of such an interval, and how many connections it has at the least.
local INTERVAL <const>, STARTED <const> = 0.1, 2
--- They would take so many seconds to fill the table, but are no fewer a second than this.
local FILLS <const>, LOWEST <const> = 5, 1
--- It did not accept at once where the first of those comes after so many.
local LATE <const> = 2.5

function accepted.run(work, load)
  local result, message = work(load)
  if not result then
    return nil, { kind = "error", message = message }
  elseif result.interrupted then
    return nil, { kind = "interrupted" }
  end
  return result
end

local function wait(device, count)
  local begin, steady, first = device.now(), 0, nil
  local low = math.min(device.low, math.max(LOWEST, (count or math.huge) / FILLS))
  local interval = math.max(INTERVAL, STARTED / low)
  local result, broken_off = accepted.run(device.run, {
    rate = low, length = math.max(device.patience, 2 * STEADY * interval),
    interval = interval, label = "waiting", on_interval = function(figures)
      local step = figures.ok > MOST * figures.started and 1 or -1
      steady = math.max(0, steady + step)
      first = steady > 0 and (first or begin + figures.time) or nil
      if device.waiting then
        device.waiting("the target to accept again", figures.time, device.patience)
      end
      return steady < STEADY
    end })
  if not result then
    return nil, broken_off
  elseif steady < STEADY then
    return nil, { kind = "silent", waited = device.now() - begin }
  end
  return { at = first, interval = interval, late = first - begin > LATE * interval,
    made = result.ok }
end

return setmetatable(accepted, { __call = function(_, ...) return wait(...) end })
