--- Devices of known behaviour on virtual time, behind the public tspam.run, tspam.sleep and
-- tspam.now: it drives the shipped scripts as they are.
--
--   local o = sim.drive("saturate", device, { "--length", "3" }, { seed = 7 })
--   local o = sim.play(function() return tspam.run { … } end, device, { seed = 7 })
--
-- o: device (its own counts: passed, refused), seconds (virtual), runs (how many were made),
--   text and err (stdout and stderr); of a script: status and document (its --json); of a
--   function: values (a table.pack of what it returned).
-- options: seed; interrupt_at = seconds: then a signal comes.
-- device: a plain table, all of it may be combined; refuse = "drop" (default), "rst", "icmp":
--   base = 4e-3, jitter = share         latency, and its spread (mean stays, an exponential)
--   loss = share                        of first packets; retransmit = true: they end ok
--   bucket = { rate, burst = 5, refuse }
--   open = { most, refuse }             at most so many open at once
--   entries = { size, ttl, refuse, evict } a table; evict: the oldest goes
--   link = { bits_per_second, queue = 0.1, overhead = 700 }
--   server = { seconds, queue, refuse } one at a time
--   answer = bytes                      of each answer
--   frog, unstable, retransmit_all, fail_all   see sim/loss.lua
--   outage, dies, knee, hiccup, generator      see the files of those names in sim/
-- A command with "flush" in it (io.popen, os.execute) empties the device's tables; one that
-- ends in "false" fails.

local dkjson = require "dkjson"
local tspam = require "tspam"
local world_of = require "sim.world"

local sim = {}

--- name -> { what loads the module, what it is told }: a module is compiled once.
local loaders = {}

local function find_loader(name)
  for i = 2, #package.searchers do
    local loader, extra = package.searchers[i](name)
    if type(loader) == "function" then
      return { loader, extra }
    end
  end
end

local function search_loaded(name)
  if not name:find("^tspam%.") then
    return nil
  end
  loaders[name] = loaders[name] or find_loader(name)
  if loaders[name] then
    return loaders[name][1], loaders[name][2]
  end
end

-- Takes tspam's modules out of package.loaded, so that each is loaded anew. -> those taken
local function unload()
  local taken = {}
  for name, value in pairs(package.loaded) do
    if name:find("^tspam%.") then
      taken[name] = value
    end
  end
  for name in pairs(taken) do
    package.loaded[name] = nil
  end
  return taken
end

local function reload(taken)
  unload()
  for name, value in pairs(taken) do
    package.loaded[name] = value
  end
end

-- Calls fn in a world, and leaves all as it was. -> what xpcall returned
local function within(world, handler, fn)
  local taken, own_arg = unload(), arg
  table.insert(package.searchers, 1, search_loaded)
  world.enter()
  local outcome = table.pack(xpcall(fn, handler))
  world.leave()
  table.remove(package.searchers, 1)
  reload(taken)
  arg = own_arg
  return outcome
end

local function outcome_of(world)
  return { device = world.device, seconds = world.clock.now, runs = world.runs,
    text = world.out.text, err = world.err.text }
end

local function traceback(problem)
  return debug.traceback(tostring(problem), 2)
end

--- Calls fn on the simulated tspam.
function sim.play(fn, device, options)
  local world = world_of(device, options)
  local done = within(world, traceback, fn)
  if not done[1] then
    error(done[2], 0)
  end
  local o = outcome_of(world)
  o.values = table.pack(table.unpack(done, 2, done.n))
  return o
end

local scripts = {}

local function load_script(name)
  local folder = os.getenv("TSPAM_SOURCE") and os.getenv("TSPAM_SOURCE") .. "/scripts"
    or tspam.scripts
  local path = ("%s/%s.lua"):format(folder, name)
  scripts[name] = scripts[name] or assert(loadfile(path))
  return scripts[name], path
end

local JSON <const> = "sim.json"

-- The command line, as tspam.command makes it.
local function set_arg(path, words)
  arg = { [-1] = tspam.executable, [0] = path, "-H", "192.0.2.1", "-p", "2345", "--quiet",
    "--json", JSON }
  table.move(words or {}, 1, #(words or {}), #arg + 1, arg)
  require("tspam.origin").note(table.move(arg, 0, #arg, 0, {}))
end

-- As tspam.command: a signal goes before the script's own status.
local function exit_status(world, status, final)
  status = math.tointeger(status) or 0
  local signal = world.clock.now >= world.clock.interrupt_at and not final
  return signal and status >= 0 and status <= 4 and 130 or status
end

-- Decoded when it is asked for: that takes longer than a search.
local function with_document(o, text)
  return setmetatable(o, { __index = function(_, name)
    if name == "document" and text then
      o.document = assert(dkjson.decode(text))
      return o.document
    end
  end })
end

--- Runs a shipped script.
function sim.drive(name, device, words, options)
  local world = world_of(device, options)
  local chunk, path = load_script(name)
  local exit
  local function handler(problem)
    exit = require("tspam.exit").is(problem) and problem or nil
    return exit or traceback(problem)
  end
  local done = within(world, handler, function()
    set_arg(path, words)
    return chunk(table.unpack(arg))
  end)
  local o = outcome_of(world)
  if exit then
    o.status = exit.status
    o.err = o.err .. (exit.message and "tspam: " .. exit.message .. "\n" or "")
  elseif not done[1] then
    error(done[2], 0)
  else
    o.status = exit_status(world, done[2], done[3])
  end
  return with_document(o, world.saved[JSON])
end

return sim
