--- What this machine can do by itself: the same exchange against a server of our
-- own on loopback, as fast as it goes. calibrate(fields, answer) -> connections per
-- second | nil, message. Both ends share the processors, so it is a low figure.

local tspam = require "tspam"

local AT_ONCE <const> = 64
local LENGTH <const> = 1.5

--- fields: of tspam.run; what is said and by how many threads is taken from them.
-- answer: bytes that the target answers.
return function(fields, answer)
  local server <close>, message = tspam.server {
    listen = "127.0.0.1", port = 0, content = ("x"):rep(answer),
  }
  if not server then
    return nil, message
  end
  local result, problem = tspam.run {
    port = server.port, concurrency = AT_ONCE, length = LENGTH, content = fields.content,
    workers = fields.workers, coalesce_fin = fields.coalesce_fin,
    local_ports = fields.local_ports,
  }
  if not result then
    return nil, problem
  elseif result.interrupted then
    return nil, "interrupted"
  end
  return result.completed
end
