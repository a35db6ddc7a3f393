--- A bandwidth: { bits_per_second=, queue= (0.1 s), overhead= (700 bytes a connection) }. A
-- request of n bytes takes n x (1 + 66/1448) on the wire; so does an answer (`answer` bytes).

local server = require "sim.server"

local HEADERS <const> = 1 + 66 / 1448

return function(wanted)
  local fixed = (wanted.overhead or 700) + (wanted.answer or 0) * HEADERS
  return server {
    seconds_of = function(run)
      return 8 * (fixed + run.request_bytes * HEADERS) / wanted.bits_per_second
    end,
    queue = wanted.queue or 0.1, repeats = true, refuse = wanted.refuse,
  }
end
