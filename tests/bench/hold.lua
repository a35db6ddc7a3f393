-- Holds N connections open and prints this process's memory while they are, for run.sh.
--   tspam hold.lua PORT N
local wanted = tonumber(arg[2])

local function resident()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmRSS:%s*(%d+)")
    if kib then
      return tonumber(kib)
    end
  end
end

local open, most = 0, 0
local result = assert(tspam.run {
  port = tonumber(arg[1]),
  rate = "4k",
  count = wanted,
  hold = wanted / 4000 + 1,
  interval = 0.1,
  on_interval = function(interval)
    open = math.max(open, interval.open)
    most = math.max(most, resident())
  end,
})
print(("%d %d %d"):format(result.ok, open, most))
