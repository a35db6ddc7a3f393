--- Writing results so that nothing is lost in silence: a full disk or a closed
-- stdout ends the script with one line and status 1.

local tspam = require "tspam"
local exit = require "tspam.exit"

local output = {}

local function must(done, name, message)
  if not done then
    exit(1, ("cannot write to %s: %s"):format(name, message))
  end
end

--- Writes to an open file.
function output.write(file, name, ...)
  local done, message = file:write(...)
  must(done, name, message)
end

--- Hands to the system what was written so far.
function output.flush(file, name)
  local done, message = file:flush()
  must(done, name, message)
end

--- Ends the script when path cannot be written ("-" always can). Changes no byte,
-- leaves no file.
function output.check(path)
  if path ~= "-" then
    local can, message = tspam.can_save(path)
    if not can then
      exit(1, message)
    end
  end
end

--- Writes text as the whole of a file, or leaves the file as it was; "-" is stdout.
function output.save(path, text)
  if path == "-" then
    output.write(io.stdout, "stdout", text)
    return
  end
  io.stdout:flush() -- path may be /dev/stdout; what goes wrong here is told at the end
  local saved, message = tspam.save(path, text)
  if not saved then
    exit(1, message)
  end
end

return output
