--- The causes of a run's failures: counted, and in words.

local format = require "tspam.format"

local failures = {}

--- "refused/connect 20, timeout/connect 5".
function failures.list(result)
  local list = {}
  for name, n in pairs(result.failures) do
    list[#list + 1] = ("%s %d"):format(name, n)
  end
  table.sort(list)
  return table.concat(list, ", ")
end

--- The cause that came most often, or nil.
function failures.worst(result)
  local worst, most
  for name, n in pairs(result.failures or {}) do
    if n > (most or 0) or (n == most and name < worst) then
      worst, most = name, n
    end
  end
  return worst
end

--- Connections that failed in ways whose name ("cause/step") matches this pattern.
function failures.count(result, pattern)
  local n = 0
  for name, failed in pairs(result.failures or {}) do
    n = n + (name:find(pattern) and failed or 0)
  end
  return n
end

--- Connections that failed after they had been established.
function failures.broken(result)
  return failures.count(result, "/send$") + failures.count(result, "/reply$")
end

--- Where nothing got through: "100 % failed: refused/connect 20; does anything
-- listen on 127.0.0.1 port 1?". target: where tspam.run says it was, if it does. (Who
-- takes connections and answers none does listen.)
function failures.sentence(result, failed)
  local text = ("%s failed: %s"):format(format.share(failed, result.started),
    failures.list(result))
  local target = result.target
  if not target or result.ok > 0 or failures.broken(result) > failed / 2 then
    return text
  end
  local ports = target.port_to and ("ports %d to %d"):format(target.port, target.port_to)
    or ("port %d"):format(target.port)
  return ("%s; does anything listen on %s %s?"):format(text, target.address, ports)
end

return failures
