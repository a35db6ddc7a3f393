--- A world with one device in it: what a script sees of tspam, io and os, on virtual time.
-- world(wanted, options) -> { device, clock, out, err, saved, enter(), leave() }
-- Between enter and leave the functions of the tspam table are simulated.

local buffer = require("harness").buffer
local dice = require "sim.dice"
local device_of = require "sim.device"
local run = require "sim.run"
local spec = require "sim.spec"

local tspam = require "tspam"

--- Where the device is; any other address is this machine's own.
local ADDRESS <const> = "192.0.2.1"
--- What a server of our own takes on loopback, and what this machine makes at most.
local OWN_BASE <const>, OWN_CEILING <const> = 2e-4, 1e5

local function forward(clock, seconds)
  local to = clock.now + seconds
  clock.now = math.min(to, math.max(clock.now, clock.interrupt_at))
  return to <= clock.now
end

-- A closed loop is a rate that its own answers set.
local function closed_loop(full, device, ceiling)
  local takes = device.base + full.hold
  local rate = math.min(full.concurrency / takes, ceiling)
  full.length = full.length or full.count / rate
  full.rate, full.concurrency, full.count = rate, nil, nil
end

local function simulated_run(world, fields)
  local full = spec.complete(fields)
  local device = full.host == ADDRESS and world.device or world.own
  local concurrency = full.concurrency
  if concurrency then
    closed_loop(full, device, world.ceiling)
  end
  world.runs = world.runs + 1
  local result = run(full, device, world.clock)
  if concurrency then
    result.rate, result.lag, result.phases[#result.phases] = nil, nil, nil
    result.spec.rate, result.spec.concurrency = nil, concurrency
    result.open_max = concurrency
  end
  return result
end

local function own_server(fields)
  local server = { port = fields.port ~= 0 and fields.port or 40000 }
  function server.address() return "127.0.0.1:" .. server.port end
  function server.stats() return {} end
  function server.wait() return false end
  function server.stop() end
  return setmetatable(server, { __close = server.stop })
end

-- A command that begins "false" fails; one that says "flush" flushes the device.
local function command(world, text)
  if text:find("flush", 1, true) then
    world.device:flush()
  end
  local pipe = { read = function() return "" end, lines = function() return function() end end }
  function pipe.close()
    if text:find("%f[%w]false%s*$") then
      return nil, "exit", 1
    end
    return true, "exit", 0
  end
  return setmetatable(pipe, { __close = pipe.close })
end

local function functions(world)
  local clock = world.clock
  return {
    run = function(fields) return simulated_run(world, fields) end,
    start = function() error("tspam.start is not simulated", 2) end,
    now = function() return clock.now end,
    sleep = function(time)
      local seconds = type(time) == "string" and assert(tspam.units.time(time)) or time
      return forward(clock, seconds)
    end,
    interrupted = function() return clock.now >= clock.interrupt_at and 2 or nil end,
    save = function(path, text)
      world.saved[path] = text
      return true
    end,
    can_save = function() return true end,
    doctor = function(fields)
      spec.complete(fields)
      return {}
    end,
    resolve = function(host) return host end,
    server = function(fields) return own_server(fields) end,
  }
end

-- What stands in for what: { { table, name, value }, … }
local function replacements(world)
  local list = {
    { io, "stdout", world.out }, { io, "stderr", world.err },
    { io, "write", function(...) return world.out:write(...) end },
    { io, "popen", function(text) return command(world, text) end },
    { os, "execute", function(text) return command(world, text):close() end },
    { _G, "print", function(...)
      local words = table.pack(...)
      for i = 1, words.n do
        words[i] = tostring(words[i])
      end
      world.out:write(table.concat(words, "\t"), "\n")
    end },
  }
  for name, value in pairs(functions(world)) do
    list[#list + 1] = { tspam, name, value }
  end
  return list
end

local function swap(list)
  for _, row in ipairs(list) do
    row[1][row[2]], row[3] = row[3], row[1][row[2]]
  end
end

return function(wanted, options)
  options = options or {}
  local chance = dice.new(options.seed)
  local world = { out = buffer(), err = buffer(), saved = {}, runs = 0,
    ceiling = (wanted.generator or {}).ceiling or OWN_CEILING,
    clock = { now = 0, interrupt_at = options.interrupt_at or math.huge },
    device = device_of(wanted, chance), own = device_of({ base = OWN_BASE }, chance) }
  local list = replacements(world)
  function world.enter() swap(list) end
  world.leave = world.enter
  return world
end
