-- Drives the shipped scripts against the devices of sim/devices.lua.
--   tspam devices_test.lua [PATTERN]     only devices whose name or class has the pattern in it
-- SEEDS=n: so many seeds each (20); the first seed takes each device as it stands there, the
-- others scale its limit. Wrong and sure of it may be none; of the plain devices 98 % are
-- answered rightly.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
collectgarbage("generational")
local dice = require "sim.dice"
local judge = require "sim.judge"
local sim = require "sim"
local vary = require "sim.vary"
local devices = require "sim.devices"

local SEEDS <const> = tonumber(os.getenv("SEEDS") or "20")
local PLAIN <const> = 0.98
local ROW <const> = "%-46s %-9s %5s %6s %5s %6s  %s\n"

--- The limit of a device is scaled by a factor of this range.
local LEAST <const>, MOST <const> = 0.75, 1.3

-- A row of devices under one seed -> verdict, answer in words, virtual seconds
local function try(row, seed)
  local device, truth, chance = row.device, row.truth, dice.new(1000 + seed)
  if type(device) == "function" then
    device = device(chance)
  end
  if seed > 1 then
    device, truth = vary(device, truth, LEAST * (MOST / LEAST) ^ chance:uniform())
  end
  local fine, outcome = pcall(sim.drive, row.script, device, row.arguments, { seed = seed })
  if not fine then
    return "wrong", "error: " .. tostring(outcome):match("^[^\n]*"), 0
  end
  local verdict, answer = judge(row.script, truth, outcome)
  return verdict, answer, outcome.seconds
end

local RANK <const> = { right = 0, honest = 1, wrong = 2 }

local function measure(row)
  local count = { right = 0, honest = 0, wrong = 0, seconds = 0 }
  for seed = 1, SEEDS do
    local verdict, answer, seconds = try(row, seed)
    count[verdict] = count[verdict] + 1
    count.seconds = math.max(count.seconds, seconds)
    if RANK[verdict] > (RANK[count.worst] or -1) then
      count.worst, count.answer, count.seed = verdict, answer, seed
    end
  end
  return count
end

local total = { right = 0, honest = 0, wrong = 0 }
local plain = { right = 0, all = 0 }
io.write(ROW:format("device", "class", "right", "honest", "wrong", "longest", "worst answer"))
for _, row in ipairs(devices) do
  local pattern = arg[1]
  if not pattern or row.name:find(pattern, 1, true) or row.class == pattern then
    local count = measure(row)
    io.write(ROW:format(row.name, row.class, count.right, count.honest, count.wrong,
      ("%.0f s"):format(count.seconds), ("%s (seed %d)"):format(count.answer, count.seed)))
    io.stdout:flush()
    for verdict in pairs(total) do
      total[verdict] = total[verdict] + count[verdict]
    end
    plain.right = plain.right + (row.class == "plain" and count.right or 0)
    plain.all = plain.all + (row.class == "plain" and SEEDS or 0)
  end
end
print(("right %d, honest %d, wrong and sure of it %d; plain: %d of %d"):format(total.right,
  total.honest, total.wrong, plain.right, plain.all))
return total.wrong == 0 and plain.right >= PLAIN * plain.all and 0 or 1
