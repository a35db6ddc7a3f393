--- Goals of a search: what a load must be to pass, in the terms of RFC 9971.
-- goal.parse("60/120/0/50%/2.5%" or a name) -> goal | nil, what is wanted
--   (the width of a named goal is the search's to say: nil)
-- goal.default(length, loss, width) -> the goal of a search that is given none

local tspam = require "tspam"

local goal = {}

--- RFC 9971 gives the first two as examples for compliance with RFC 2544 and ETSI
-- GS NFV-TST 009.
local NAMED <const> = {
  rfc2544 = { final = 60, sum = 60, loss = 0, exceed = 0 },
  tst009 = { final = 60, sum = 120, loss = 0, exceed = 0.5 },
}

local WANTED <const> = "rfc2544, tst009 or FINAL/SUM/LOSS/EXCEED/WIDTH like "
  .. "'60/120/0.5%/50%/2.5%' wanted (trial duration and duration sum in seconds)"

local function share(text)
  local percent = tonumber(text:match("^([%d.]+)%s*%%$"))
  local value = percent and percent / 100 or tonumber(text)
  return value and value >= 0 and value < 1 and value or nil
end

local function duration(text)
  local value = tspam.units.time(text)
  return value and value >= 0.1 and value <= 1e5 and value or nil
end

function goal.parse(text)
  local named = NAMED[text:lower()]
  if named then
    return { name = text:lower(), final = named.final, sum = named.sum, loss = named.loss,
      exceed = named.exceed }
  end
  local parts = {}
  for part in (text .. "/"):gmatch("([^/]*)/") do
    parts[#parts + 1] = part
  end
  local final, sum = duration(parts[1] or ""), duration(parts[2] or "")
  local loss, exceed = share(parts[3] or ""), share(parts[4] or "")
  local own_width = parts[5] and share(parts[5])
  if #parts ~= 5 or not (final and sum and loss and exceed and own_width) or own_width <= 0
    or sum < final then
    return nil, WANTED
  end
  return { name = text, final = final, sum = sum, loss = loss, exceed = exceed,
    width = own_width }
end

--- Two of three trials decide: a disturbance of one is outvoted.
function goal.default(length, loss, width)
  return { name = "default", final = length, sum = 3 * length, loss = loss, exceed = 0.5,
    width = width }
end

return goal
