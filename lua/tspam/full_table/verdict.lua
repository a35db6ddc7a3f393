--- When two counts are the same, and what is claimed when they are.

local verdict = {}

--- Within this share, or so many connections.
local SAME <const>, SAME_COUNT <const> = 0.03, 3

function verdict.same(a, b)
  return math.abs(a - b) <= math.max(SAME_COUNT, SAME * math.max(a, b))
end

--- A table of so many entries, that live so long (nil: not known).
function verdict.state(entries, lifetime)
  return { kind = "state", entries = entries, lifetime = lifetime,
    sustained = lifetime and entries / lifetime or nil }
end

return verdict
