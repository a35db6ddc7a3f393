--- Devices of known truth for capacity and soak: see sim/devices.lua.

local list = {}

local function add(class, script, arguments, row)
  list[#list + 1] = { name = row[1], device = row[2], truth = row[3], class = class,
    script = script, arguments = arguments }
end

local J <const> = 0.1

local function capacity(class, row) add(class, "capacity", row.arguments or {}, row) end

for _, refuse in ipairs { "drop", "rst", "icmp" } do
  capacity("state", { "capacity: table 2000, " .. refuse,
    { jitter = J, entries = { size = 2000, ttl = 300, refuse = refuse } }, { held = 2000 } })
end
capacity("state", { "capacity: table 2000, loss 2 %",
  { jitter = J, loss = 0.02, entries = { size = 2000, ttl = 300 } }, { held = 2000 } })
capacity("state", { "capacity: table 2000 forgets the oldest",
  { jitter = J, entries = { size = 2000, ttl = 300, evict = true } }, { held = 2000 } })
capacity("state", { "capacity: open 1000", { jitter = J, open = { most = 1000 } },
  { held = 1000 } })
capacity("plain", { "capacity: clean", { jitter = J }, { none = true } })
capacity("plain", { "capacity: loss 2 %", { jitter = J, loss = 0.02 }, { none = true } })
capacity("fast", { "capacity: a bucket opened too fast", function(dice)
  return { jitter = J, bucket = { rate = 160 + 20 * dice:uniform(), burst = 5 } }
end, { none = true } })
capacity("fast", { "capacity: a bucket of 400",
  { jitter = J, bucket = { rate = 400, burst = 20 } }, { none = true } })
capacity("fast", { "capacity: a bucket of 50, RST", { jitter = J,
  bucket = { rate = 50, burst = 20, refuse = "rst" } }, { none = true } })

-- At a moment of the first half of a run.
local function outage_of(seconds, more)
  return function(dice)
    local from = 2 + 20 * dice:uniform()
    local device = { jitter = J, outage = { from = from, to = from + seconds } }
    for name, value in pairs(more or {}) do
      device[name] = value
    end
    return device
  end
end

for _, seconds in ipairs { 2, 10 } do
  capacity("outage", { ("capacity: outage %d s"):format(seconds), outage_of(seconds),
    { none = true } })
end
capacity("outage", { "capacity: outage 2 s, then a table of 15000",
  outage_of(2, { entries = { size = 15000, ttl = 300 } }), { held = 15000 } })
capacity("outage", { "capacity: dies", function(dice)
  return { jitter = J, dies = 2 + 20 * dice:uniform() }
end, { unknowable = true } })

local function soak(class, rate, length, row)
  add(class, "soak", { "--rate", rate, "--length", length }, row)
end

soak("plain", "5000", "61", { "soak: clean", { jitter = J }, { passes = true } })
soak("plain", "5000", "61", { "soak: a table that suffices",
  { jitter = J, entries = { size = 60000, ttl = 10 } }, { passes = true } })
soak("plain", "1000", "60", { "soak: loss 1 %", { jitter = J, loss = 0.01 }, { passes = false } })
soak("plain", "1000", "60", { "soak: a bucket of 800",
  { jitter = J, bucket = { rate = 800, burst = 20 } }, { passes = false } })
soak("fast", "500", "60", { "soak: a bucket of 160 to 180", function(dice)
  return { jitter = J, bucket = { rate = 160 + 20 * dice:uniform(), burst = 20 } }
end, { passes = false } })
for _, refuse in ipairs { "drop", "rst" } do
  soak("state", "100", "300", { "soak: table 2000, 120 s, " .. refuse,
    { jitter = J, entries = { size = 2000, ttl = 120, refuse = refuse } },
    { passes = false, state = 2000, sustainable = 2000 / 120 } })
end
soak("state", "100", "100", { "soak: table 2000, not seen to recover",
  { jitter = J, entries = { size = 2000, ttl = 600 } }, { passes = false, state = 2000 } })
for _, seconds in ipairs { 2, 10 } do
  soak("outage", "1000", "60", { ("soak: outage %d s"):format(seconds), outage_of(seconds),
    { passes = false } })
end
soak("outage", "1000", "60", { "soak: dies", function(dice)
  return { jitter = J, dies = 5 + 40 * dice:uniform() }
end, { passes = false } })

return list
