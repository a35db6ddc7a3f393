-- Objects of tspam used after their own finalizer has run, or in the middle of their use.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local test, equal, contains = t.test, t.equal, t.contains

local STOPPED <const> = "attempt to use a stopped server"

local function new_server()
  return assert(tspam.server { listen = "127.0.0.1", port = 0 })
end

-- Finalizers run in the reverse order in which objects were made. So one that was made
-- first sees, in its own, what was made later and is past its finalizer.
local function after_its_end(make)
  local seen
  do
    local holder = setmetatable({}, { __gc = function(self) seen = self.object end })
    holder.object = make()
  end
  collectgarbage()
  collectgarbage()
  return assert(seen, "the holder was not collected")
end

local function fails_with(words, fn, ...)
  local fine, message = pcall(fn, ...)
  assert(not fine, "nothing was raised, wanted: " .. words)
  contains(message, words)
end

test("a collected server says that it was stopped, and does not crash", function()
  local server = after_its_end(new_server)
  fails_with(STOPPED, function() return server.port end)
  for _, method in ipairs { "address", "stats", "wait" } do
    fails_with(STOPPED, server[method], server)
  end
  equal(server.no_such_method, nil)
  equal(tostring(server), "tspam.server (stopped)")
  server:stop()
  getmetatable(server).__gc(server)
end)

test("a collected handle says that it was waited for, and does not crash", function()
  local server <close> = new_server()
  local handle = after_its_end(function()
    return assert(tspam.start { port = server.port, rate = 10, length = 60 })
  end)
  for _, method in ipairs { "wait", "snapshot" } do
    fails_with("attempt to use a run that was waited for", handle[method], handle)
  end
  handle:stop()
  getmetatable(handle).__gc(handle)
end)

test("a collected histogram says that it has no memory, and does not crash", function()
  local histogram = after_its_end(tspam.histogram.new)
  for _, method in ipairs {
    "count", "min", "max", "mean", "stdev", "percentile", "count_between", "record", "add",
    "copy", "each", "encode",
  } do
    fails_with("histogram without memory", histogram[method], histogram)
  end
  fails_with("histogram without memory", tostring, histogram)
  fails_with("histogram without memory", function() return #histogram end)
  fails_with("histogram without memory", function()
    tspam.histogram.new():add(histogram)
  end)
  getmetatable(histogram).__gc(histogram)
end)

test("a finalizer at the end of the state may use a server that has ended", function()
  local script = os.tmpname()
  local file = assert(io.open(script, "w"))
  assert(file:write([[
    local holder = setmetatable({}, { __gc = function(self)
      print(pcall(function() return self.server.port end))
      print(pcall(self.server.stats, self.server))
    end })
    holder.server = assert(tspam.server { listen = "127.0.0.1", port = 0 })
    keep = holder
  ]]))
  file:close()
  local status, out, err = t.shell(("'%s' %s"):format(tspam.executable, script))
  os.remove(script)
  equal(err, "")
  equal(select(2, out:gsub(STOPPED, "")), 2)
  equal(status, 0)
end)

-- on_interval ends the wait of its own run in one of these ways.
local function waits_within(act)
  local server <close> = new_server()
  local handle, problem
  handle = assert(tspam.start {
    port = server.port, rate = 100, length = 60, interval = 0.05,
    on_interval = function()
      local fine, message = pcall(act, handle)
      problem = problem or (not fine and message)
      return false
    end,
  })
  local result = handle:wait()
  equal(result.due, result.started + result.capped + result.not_started)
  return problem
end

test("on_interval cannot wait for its own run a second time", function()
  contains(waits_within(function(handle) handle:wait() end),
    "attempt to wait for a run within its wait")
end)

test("on_interval may close its own run: wait returns what was measured", function()
  equal(waits_within(function(handle)
    local closed <close> = handle
  end), false)
end)

return t.finish()
