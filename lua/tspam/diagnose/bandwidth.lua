--- A limit of bandwidth: with a larger request the rate falls in proportion.
-- bandwidth(search, run, rate, request) -> limit, or nil: the rate does not fall

local experiment = require "tspam.diagnose.experiment"
local wire = require "tspam.wire_bytes"

--- A larger request puts so many times the bytes on the wire.
local LARGER <const> = 5
--- With those, more and less than the bandwidth would carry: which bytes a connection puts
-- on the wire is known to a tenth or so.
local MORE <const>, LESS <const> = 1.6, 0.7
--- So much of too much passes where bandwidth is no limit; so much of less does, where it is.
local ALL <const>, MOST <const> = 0.95, 0.9

return function(search, run, rate, request)
  local small = wire.request(#request, search.evidence.lowest.figures.result)
  local larger = request .. ("x"):rep(math.ceil((LARGER - 1) * small))
  local factor, takes = small / wire.request(#larger), experiment.service(search)
  local kept = 1 - search.evidence:own_share()
  -- Too much fails, less passes, and too much fails again.
  for i, share in ipairs { MORE, LESS, MORE } do
    local t, result = experiment.run(run, { content = larger, length = search.length,
      rate = share * factor * rate, why = "requests were larger" })
    if not t then
      return result
    end
    local passes = experiment.passed(result, takes) > kept * (share == MORE and ALL or MOST)
    if i == 1 and passes then
      return nil
    elseif passes ~= (share == LESS) then
      return experiment.unknown("larger requests do not get through in proportion to their size")
    end
  end
  return { kind = "bandwidth", bits_per_second = 8 * small * rate }
end
