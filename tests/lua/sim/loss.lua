--- First packets that are lost by chance. loss.by(wanted) -> an element whose share depends
-- on the run; loss.lose(flow, run, share, retransmit) does it. `retransmit`, or a time-out
-- that the kernel's retry comes before: they are sent again and end ok.
--   loss = share                          the same at every rate
--   frog = { per_doubling=, from= }       grows with log2(rate / from)
--   frog = { at=, loss= }                 grows in a straight line, to `loss` at the rate `at`
--   unstable = { above=, kind= ("alternate", "random"), share= (0.3) }: every other run whose
--                                         rate is above it is a bad one, or each by a coin
--   retransmit_all = { below= (infinite) } each is sent again, and ends ok; below that rate
--   fail_all = share                      is refused, whatever the rate

local loss = {}

local function lose(flow, run, share, retransmit)
  local lost = run.dice:binomial(flow.n, share)
  if lost == 0 then
    return
  elseif retransmit or run.spec.timeout > run.RETRY then
    flow.slow = math.max(flow.slow, lost)
    flow.extra = retransmit and run.QUICK_RETRY or run.RETRY
  else
    local first = math.floor(run.dice:uniform() * (flow.n - lost + 1))
    run:thin(flow, flow.n - lost, first, "drop")
  end
end

function loss.loss(share, wanted)
  local element = {}
  function element.pass(_, flow, run)
    lose(flow, run, share, wanted.retransmit)
  end
  return element
end

local function frog_share(frog, rate)
  if frog.at then
    return math.min(1, frog.loss * rate / frog.at)
  end
  return math.max(0, (frog.per_doubling or 0.002) * math.log(rate / (frog.from or 50), 2))
end

function loss.frog(frog, wanted)
  local element = {}
  function element.pass(_, flow, run)
    lose(flow, run, frog_share(frog, flow.rate), wanted.retransmit)
  end
  return element
end

function loss.unstable(unstable, wanted, dice)
  local element = { bad = dice:uniform() < 0.5 }
  function element:begin(run)
    self.matters = run.schedule.rate > unstable.above
    if self.matters and unstable.kind == "random" then
      self.bad = dice:uniform() < 0.5
    elseif self.matters then
      self.bad = not self.bad
    end
  end

  function element:pass(flow, run)
    if self.matters and self.bad then
      lose(flow, run, unstable.share or 0.3, wanted.retransmit)
    end
  end
  return element
end

function loss.retransmit_all(wanted)
  local element, below = {}, wanted.below or math.huge
  function element.pass(_, flow, run)
    if flow.rate < below then
      flow.slow, flow.extra = flow.n, run.QUICK_RETRY
    end
  end
  return element
end

function loss.fail_all(share)
  local element = {}
  function element.pass(_, flow, run)
    local failed = run.dice:binomial(flow.n, share)
    run:thin(flow, flow.n - failed, failed > 0 and 0 or nil, "rst")
  end
  return element
end

return loss
