--- What a connection puts on an Ethernet, as the client sends it: headers and data, without
-- the frame check sequence, as tc counts. Counted with tcpdump (Linux 6.1, IPv4, timestamps):
-- a SYN is 74 bytes, every other segment 66 and its data.
--   wire.request(bytes, result) -> bytes a connection; result (may be nil): a run of such
--   connections, whose count of segments tells them better

local wire = {}

local SYN <const>, SEGMENT <const>, MSS <const> = 74, 66, 1448
--- A count of segments that is further from what is expected counts others as well, as
-- where both ends are on this machine.
local FEWEST <const>, MOST <const> = 0.6, 1.3

-- SYN, ACK, the request, FIN, and the acknowledgements of the answer and the server's FIN.
local function segments(bytes)
  local data = bytes > 0 and math.ceil(bytes / MSS) or 0
  return 3 + data + (bytes > 0 and 2 or 1)
end

function wire.request(bytes, result)
  local expected = segments(bytes)
  local counted = result and result.started > 0 and (result.counters or {}).TcpOutSegs
  local each = counted and counted / result.started or expected
  if each < FEWEST * expected or each > MOST * expected then
    each = expected
  end
  return each * SEGMENT + SYN - SEGMENT + bytes
end

return wire
