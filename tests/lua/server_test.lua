-- tspam.server as an object: what it says of itself, and how it ends.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local test, equal, contains, raises = t.test, t.equal, t.contains, t.raises

local function new_server(fields)
  fields = fields or {}
  fields.listen, fields.port = fields.listen or "127.0.0.1", fields.port or 0
  return assert(tspam.server(fields))
end

local function load(server, changes)
  local spec = { port = server.port, rate = 500, count = 50 }
  for name, value in pairs(changes or {}) do
    spec[name] = value
  end
  return assert(tspam.run(spec))
end

test("port 0 is a free port that the object knows", function()
  local server <close> = new_server()
  assert(server.port > 0 and server.port < 65536)
  equal(server:address(), "127.0.0.1:" .. server.port)
  equal(server:address(2), nil)
end)

test("its counts are the client's", function()
  local server <close> = new_server { content = "pong!" }
  equal(load(server, { content = "ping" }).ok, 50)
  local stats = server:stats()
  equal(stats.accepted, 50)
  equal(stats.answered, 50)
  equal(stats.failed, 0)
  equal(stats.open, 0)
  equal(stats.shed, 0)
  equal(stats.bytes_received, 200)
  equal(stats.bytes_sent, 250)
  equal(next(stats.failures), nil)
end)

test("several addresses are listened on at one port", function()
  local server <close> = new_server { listen = { "127.0.0.1", "127.0.0.2", "::1" } }
  for i, host in ipairs { "127.0.0.1", "127.0.0.2", "::1" } do
    equal(load(server, { host = host, count = 5 }).ok, 5)
    contains(server:address(i), host)
  end
  equal(server:stats().answered, 15)
end)

test("content may hold any byte", function()
  local server <close> = new_server { content = "a\0b\255" }
  equal(load(server, { expect = 4 }).bytes_received, 200)
end)

test("stop may be called twice, and closes the port", function()
  local server = new_server()
  local port = server.port
  server:stop()
  server:stop()
  equal(assert(tspam.run { port = port, rate = 100, count = 3 }).failures["refused/connect"], 3)
end)

test("a stopped server says so, but keeps its counts", function()
  local server = new_server()
  load(server)
  server:stop()
  equal(server:stats().answered, 50)
  raises("attempt to use a stopped server", function() server:address() end)
  raises("attempt to use a stopped server", function() server:wait(0) end)
  contains(tostring(server), "stopped")
end)

test("leaving the scope of a <close> variable stops it", function()
  local port
  do
    local server <close> = new_server()
    port = server.port
  end
  equal(assert(tspam.run { port = port, rate = 100, count = 3 }).ok, 0)
end)

test("being collected stops it", function()
  local port = new_server().port
  collectgarbage()
  collectgarbage()
  equal(assert(tspam.run { port = port, rate = 100, count = 3 }).ok, 0)
end)

test("an address in use is returned as a message that names it, and leaves nothing", function()
  local server <close> = new_server()
  local other, message, code = tspam.server { listen = "127.0.0.1", port = server.port }
  equal(other, nil)
  contains(message, "127.0.0.1:" .. server.port)
  equal(code, 98)
  equal(load(server).ok, 50)
end)

test("an address this machine does not have is returned as a message", function()
  local server, message = tspam.server { listen = "203.0.113.9", port = 0 }
  equal(server, nil)
  contains(message, "203.0.113.9")
end)

test("wait with a bound comes back when it is over", function()
  local server <close> = new_server()
  local from = tspam.now()
  equal(server:wait(0.2), false)
  assert(tspam.now() - from >= 0.2)
end)

test("an idle client is ended by the idle time-out and counted", function()
  local server <close> = new_server { idle_timeout = 0.2 }
  local r = load(server, { count = 5, hold = 3 })
  equal(r.started, 5)
  local stats = server:stats()
  equal(stats.failed, 5)
  equal(stats.failures["timeout/reply"], 5)
end)

test("report_peer sends the client's address before the content", function()
  local server <close> = new_server { report_peer = true, content = "!" }
  local r = load(server, { local_ips = "127.0.0.3", nat = true, expect = 1 })
  equal(r.ok, 50)
  equal(r.nat.reported, 50)
  equal(table.concat(r.nat.outside_addresses, " "), "127.0.0.3")
end)

return t.finish()
