--- The far end of a client script: the address of --host, or a server of our own.

local tspam = require "tspam"
local exit = require "tspam.exit"

local function resolve(options, say)
  local family = options.ipv4 and "4" or options.ipv6 and "6" or nil
  local address, message = tspam.resolve(options.host, family)
  if not address then
    exit(1, ("option '--host': %s"):format(message))
  elseif address ~= options.host then
    say("%s is %s", options.host, address)
  end
  return address
end

local function start_server(options)
  local server, message = tspam.server {
    listen = options.ipv6 and "::1" or "127.0.0.1",
    port = options.port or 0,
    content = options.expect and ("x"):rep(options.expect) or nil,
    report_peer = options.nat, coalesce_fin = options.coalesce_fin,
  }
  if not server then
    exit(1, "dry run: " .. message)
  end
  return server
end

--- Points fields (of tspam.run) at --host, or at a server that it starts.
-- say: a function like printf, told which address a name has. -> server | nil
return function(options, fields, say)
  if options.host then
    fields.host = resolve(options, say)
    return nil
  end
  local server = start_server(options)
  fields.host = options.ipv6 and "::1" or "127.0.0.1"
  fields.port = options.port or server.port
  return server
end
