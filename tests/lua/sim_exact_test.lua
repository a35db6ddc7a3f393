-- The simulated devices, which take many connections in a step, against plain loops that take
-- one connection after the other.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local dice = require "sim.dice"
local sim = require "sim"
local tspam = require "tspam"
local test, equal = t.test, t.equal

local CASES <const> = 40

-- n connections at even times, one after the other -> how many passed; how many came before
-- the first that did not, or nil
local function one_by_one(rate, length, passes)
  local passed, first = 0, nil
  for i = 0, math.ceil(rate * length - 1e-6) - 1 do
    if passes(i / rate) then
      passed = passed + 1
    else
      first = first or i
    end
  end
  return passed, first
end

local function bucket(spec)
  local tokens, at = spec.burst, 0
  return function(now)
    tokens, at = math.min(spec.burst, tokens + spec.rate * (now - at)), now
    local passes = tokens >= 1 - 1e-6
    tokens = passes and tokens - 1 or tokens
    return passes
  end
end

local function entries(spec)
  local list, head = {}, 1
  return function(now)
    while list[head] and list[head] <= now + 1e-9 do
      head = head + 1
    end
    local passes = #list - head + 1 < spec.size
    list[#list + 1] = passes and now + spec.ttl or nil
    return passes
  end
end

local function server(spec)
  local wait, at = 0, 0
  return function(now)
    wait, at = math.max(0, wait - (now - at)), now
    local passes = wait <= spec.queue + 1e-9
    wait = passes and wait + spec.seconds or wait
    return passes
  end
end

-- kind -> the loop; a device of that kind, for a rate; how much the total may be off
local kinds = {
  bucket = { bucket, function(d, rate)
    return { rate = rate * (0.3 + d:uniform()), burst = 1 + math.floor(200 * d:uniform()) }
  end, 0 },
  entries = { entries, function(d, rate)
    return { size = 5 + math.floor(4 * rate * d:uniform()), ttl = 0.5 + 10 * d:uniform() }
  end, 0.01 },
  server = { server, function(d, rate)
    return { seconds = 1 / rate / (0.4 + d:uniform()), queue = 0.3 * d:uniform() }
  end, 0.001 },
}

for kind, row in pairs(kinds) do
  local loop, draw, off = table.unpack(row)
  local name = kind == "entries" and "table" or kind
  test(("a %s passes what it passes one by one"):format(name), function()
    local chance = dice.new(11)
    for _ = 1, CASES do
      local rate, length = 50 * 30 ^ chance:uniform(), 2 + 6 * chance:uniform()
      local spec = draw(chance, rate)
      local passed, first = one_by_one(rate, length, loop(spec))
      local r = sim.play(function()
        return tspam.run { host = "192.0.2.1", rate = rate, length = length, timeout = 0.9 }
      end, { [kind] = spec }).values[1]
      assert(math.abs(r.ok - passed) <= 1 + off * rate * length, ("ok %d, want %d: %g/s for %g s")
        :format(r.ok, passed, rate, length))
      equal((r.first_failure or {}).count, first)
    end
  end)
end

return t.finish()
