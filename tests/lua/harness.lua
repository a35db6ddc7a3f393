--- Tests of the Lua side: a sentence per test, a status at the end.
--
--   local t = require "harness"        -- after package.path knows this folder
--   t.test("what must hold", function() assert(…) end)
--   return t.finish()

local harness = { passed = 0, failed = 0 }

--- Runs fn; prints the sentence, and the traceback where it failed.
function harness.test(name, fn)
  local fine, problem = xpcall(fn, function(text)
    return debug.traceback(tostring(text), 2)
  end)
  harness.passed = harness.passed + (fine and 1 or 0)
  harness.failed = harness.failed + (fine and 0 or 1)
  print((fine and "ok      " or "FAILED  ") .. name)
  if not fine then
    print(problem)
  end
end

--- Checks that fn raises exactly this message (the place in front is cut off).
function harness.raises(message, fn)
  local fine, problem = pcall(fn)
  assert(not fine, "nothing was raised, wanted: " .. message)
  local text = tostring(problem):gsub("^[^\n]-%.lua:%d+: ", "")
  assert(text == message, ("raised '%s', wanted '%s'"):format(text, message))
end

--- Checks that two values are the same (==), and says both when not.
function harness.equal(got, want)
  assert(got == want, ("got %s, want %s"):format(tostring(got), tostring(want)))
end

--- Checks that text has the plain words in it.
function harness.contains(text, words)
  assert(text:find(words, 1, true), ("'%s' is not in:\n%s"):format(words, text))
end

--- Checks that tspam.exit was called with this status; returns its message.
function harness.quits(status, fn)
  local fine, problem = pcall(fn)
  assert(not fine, "it did not quit")
  assert(require("tspam.exit").is(problem), tostring(problem))
  harness.equal(problem.status, status)
  return problem.message
end

--- A file-like object that keeps what is written to it in .text.
function harness.buffer()
  local buffer = { text = "" }
  function buffer:write(...)
    self.text = self.text .. table.concat({ ... })
    return self
  end
  function buffer:flush()
    return self
  end
  return buffer
end

--- Runs a shell command. -> exit status, stdout, stderr
function harness.shell(command)
  local errors = os.tmpname()
  local pipe = assert(io.popen(("{ %s\n} 2>%s"):format(command, errors)))
  local out = pipe:read("a")
  local _, _, status = pipe:close()
  local file = assert(io.open(errors))
  local err = file:read("a")
  file:close()
  os.remove(errors)
  return status, out, err
end

--- Says how many tests passed. -> exit status
function harness.finish()
  print(("%d passed, %d failed"):format(harness.passed, harness.failed))
  return harness.failed == 0 and harness.passed > 0 and 0 or 1
end

return harness
