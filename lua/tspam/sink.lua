--- Writing results so that nothing is lost in silence: a full disk or a closed
-- stdout ends the script with one line and status 1.

local quit = require "tspam.quit"

local sink = {}

local function must(done, name, message)
  if not done then
    quit(1, ("cannot write to %s: %s"):format(name, message))
  end
end

--- Writes to an open file.
function sink.write(file, name, ...)
  local done, message = file:write(...)
  must(done, name, message)
end

--- Hands to the system what was written so far.
function sink.flush(file, name)
  local done, message = file:flush()
  must(done, name, message)
end

--- Ends the script when path cannot be written ("-" always can). Changes no byte.
function sink.check(path)
  if path ~= "-" then
    local file, message = io.open(path, "a")
    if not file then
      quit(1, "cannot write to " .. message)
    end
    file:close()
  end
end

--- Writes text as the whole of a file; "-" is stdout.
function sink.save(path, text)
  if path == "-" then
    sink.write(io.stdout, "stdout", text)
    return
  end
  local file, message = io.open(path, "w")
  if not file then
    quit(1, "cannot write to " .. message)
  end
  local done, problem = file:write(text)
  local closed, late = file:close()
  must(done, path, problem)
  must(closed, path, late)
end

return sink
