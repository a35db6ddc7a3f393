--- First packets that are lost by chance: a share. With `retransmit` on the device, or a
-- time-out that the kernel's retry comes before, they are sent again and end ok.

local Loss = {}
Loss.__index = Loss

function Loss:pass(flow, run)
  local lost = run.dice:binomial(flow.n, self.share)
  if lost == 0 then
    return
  elseif self.retransmit or run.spec.timeout > run.RETRY then
    flow.slow = math.max(flow.slow, lost)
    flow.extra = self.retransmit and run.QUICK_RETRY or run.RETRY
  else
    local first = math.floor(run.dice:uniform() * (flow.n - lost + 1))
    run:thin(flow, flow.n - lost, first, "drop")
  end
end

return function(share, wanted)
  return setmetatable({ share = share, retransmit = wanted.retransmit }, Loss)
end
