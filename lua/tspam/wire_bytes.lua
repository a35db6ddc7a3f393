--- What a connection puts on an Ethernet, as the client sends it: headers and data.
-- Counted on the wire with tcpdump (Linux 6.1, IPv4, timestamps): SYN 74 bytes, every other
-- segment 66 and its data; without the frame check sequence, as tc counts.

local wire = {}

local SYN <const>, SEGMENT <const>, MSS <const> = 74, 66, 1448

--- Bytes from client to server: SYN, ACK, the request, FIN, and the acknowledgements
-- of the answer and of the server's FIN.
function wire.request(bytes)
  local data = bytes > 0 and math.ceil(bytes / MSS) or 0
  local acknowledgements = bytes > 0 and 2 or 1
  return SYN + SEGMENT + data * SEGMENT + bytes + SEGMENT + acknowledgements * SEGMENT
end

return wire
