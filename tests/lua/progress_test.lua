-- Progress: one line that is written over on a terminal, plain lines otherwise.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local progress = require "tspam.progress"
local test, equal, contains = t.test, t.equal, t.contains

local function interval(time, changes)
  local figures = { time = time, started = 500, ok = 490, failed = 10, open = 3, p50 = 0.001,
    p99 = 0.002 }
  for name, value in pairs(changes or {}) do
    figures[name] = value
  end
  return figures
end

local function new(options)
  options.out = t.buffer()
  options.label = "500/s"
  return progress.new(options), options.out
end

test("a plain stream gets one whole line per interval", function()
  local p, out = new { terminal = false }
  p:update(interval(1))
  p:update(interval(2, { failed = 0 }))
  p:clear()
  local rest = "open 3  p50 1.00 ms  p99 2.00 ms\n"
  equal(out.text, "500/s  1.00 s  opened 500/s  ok 490  failed 10  " .. rest
    .. "500/s  2.00 s  opened 500/s  ok 490  failed 0  " .. rest)
end)

test("short intervals are added up to one plain line a second", function()
  local p, out = new { terminal = false }
  for i = 1, 4 do
    p:update(interval(i / 4))
  end
  equal(select(2, out.text:gsub("\n", "")), 1)
  contains(out.text, "opened 2,000/s  ok 1,960  failed 40")
end)

test("a terminal gets one line that is written over, then taken away", function()
  local p, out = new { terminal = true, columns = 80, colour = false }
  p:update(interval(1))
  p:update(interval(2))
  assert(not out.text:find("\n"), out.text)
  equal(select(2, out.text:gsub("\r500/s", "")), 2)
  p:clear()
  equal(out.text:sub(-4), "\r\27[K")
  local length = #out.text
  p:clear()
  equal(#out.text, length)
end)

test("a line never wraps on a narrow terminal", function()
  local p, out = new { terminal = true, columns = 20, colour = false }
  p:update(interval(1))
  equal(#out.text:match("\r([^\27]*)"), 19)
end)

test("failures are red only where colour is wanted", function()
  local p, out = new { terminal = true, columns = 100, colour = true }
  p:update(interval(1))
  contains(out.text, "\27[31mfailed 10\27[0m")
  p, out = new { terminal = true, columns = 100, colour = false }
  p:update(interval(1))
  assert(not out.text:find("\27[31m", 1, true))
end)

test("--quiet writes nothing at all", function()
  local p, out = new { terminal = true, quiet = true }
  p:update(interval(1))
  p:clear()
  equal(out.text, "")
end)

test("an interval in which nothing ended shows dashes", function()
  local p, out = new { terminal = false }
  local figures = interval(1)
  figures.p50, figures.p99 = nil, nil
  p:update(figures)
  contains(out.text, "p50 -  p99 -")
end)

test("a wait says for what, for how long, and how long at most", function()
  local p, out = new { terminal = true, columns = 80 }
  p:waiting("the target to accept again", 40.7, 300)
  equal(out.text, "\rwaiting for the target to accept again, 40 s of at most 300 s\27[K")
  p:clear()
  equal(out.text:sub(-4), "\r\27[K")
end)

test("a wait without a bound says none", function()
  local p, out = new { terminal = false }
  p:waiting("the last answers", 5)
  equal(out.text, "waiting for the last answers, 5 s\n")
end)

test("a plain stream gets a line every 5 seconds of a wait, a terminal each time", function()
  for terminal, lines in pairs { [true] = 25, [false] = 2 } do
    local p, out = new { terminal = terminal, columns = 80 }
    for i = 0, 24 do
      p:waiting("the next rate", i / 2, 12)
    end
    equal(select(2, out.text:gsub("waiting for the next rate", "")), lines)
  end
end)

test("another wait begins to count anew", function()
  local p, out = new { terminal = false }
  p:waiting("the target", 9, 30)
  p:waiting("the next rate", 4, 10)
  p:waiting("the next rate", 5, 10)
  p:waiting("the next rate", 1, 10)
  p:waiting("the next rate", 6, 10)
  equal(out.text, "waiting for the target, 9 s of at most 30 s\n"
    .. "waiting for the next rate, 5 s of at most 10 s\n"
    .. "waiting for the next rate, 6 s of at most 10 s\n")
end)

test("a wait is cut to a narrow terminal, and silent with --quiet", function()
  local p, out = new { terminal = true, columns = 20 }
  p:waiting("the target to accept again", 1, 2)
  equal(#out.text:match("\r([^\27]*)"), 19)
  p, out = new { terminal = true, quiet = true }
  p:waiting("the target to accept again", 1, 2)
  equal(out.text, "")
end)

return t.finish()
