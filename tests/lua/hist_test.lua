-- The histogram object: figures, combination, text form, misuse.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local tspam = require "tspam"
local test, equal, raises = t.test, t.equal, t.raises
local histogram = tspam.histogram

-- 1 ms, 2 ms, … 1000 ms
local function thousand()
  local h = histogram.new()
  for i = 1, 1000 do
    h:record(i / 1000)
  end
  return h
end

local function near(got, want)
  assert(math.abs(got - want) <= want / 1000, ("got %s, want %s"):format(got, want))
end

test("a new histogram is empty, and its figures are nil", function()
  for _, h in ipairs { histogram.new(), histogram.new {} } do
    equal(#h, 0)
    equal(h:count(), 0)
    equal(h:min(), nil)
    equal(h:max(), nil)
    equal(h:mean(), nil)
    equal(h:stdev(), nil)
    equal(h:percentile(99), nil)
    equal(h:count_between(0, 1e9), 0)
    equal(tostring(h), "histogram (empty)")
  end
end)

test("figures are seconds, min and max exact, the others to a thousandth", function()
  local h = thousand()
  equal(#h, 1000)
  equal(h:min(), 0.001)
  equal(h:max(), 1)
  near(h:mean(), 0.5005)
  near(h:stdev(), 0.28867499)
  near(h:percentile(50), 0.5)
  near(h:percentile(99.9), 0.999)
  equal(h:percentile(0), 0.001)
  equal(h:percentile(100), 1)
end)

test("counts are integers", function()
  local h = thousand()
  equal(math.type(#h), "integer")
  equal(math.type(h:count_between(0, 1)), "integer")
  equal(math.type(select(3, h:each()())), "integer")
end)

test("count_between takes both ends", function()
  local h = thousand()
  equal(h:count_between(0, math.huge), 1000)
  equal(h:count_between(0.1, 0.1), 1)
  equal(h:count_between(2, 3), 0)
  equal(h:count_between(-2, -1), 0)
  equal(h:count_between(1, 0), 0)
end)

test("record takes a weight and returns the histogram", function()
  local h = histogram.new():record(0.002, 3):record(0.004)
  equal(#h, 4)
  near(h:mean(), 0.0025)
  equal(#h:record(1, 0), 4)
  equal(h:max(), 0.004)
end)

test("what is longer than an hour is counted, and max is exact", function()
  local h = histogram.new():record(1e6)
  equal(h:max(), 1e6)
  equal(h:percentile(50), 1e6)
  equal(#h:record(1e300), 2)
end)

test("add changes the one, and a copy is on its own", function()
  local a, b = histogram.new():record(0.1), histogram.new():record(0.3)
  local c = a:copy():add(b)
  equal(#a, 1)
  equal(#b, 1)
  equal(#c, 2)
  equal(c:min(), 0.1)
  equal(c:max(), 0.3)
  equal(#a:add(a), 2)
end)

test("each goes through all values in order", function()
  local sum, before = 0, 0
  for from, to, count in thousand():each() do
    assert(from > before and to >= from and count > 0)
    sum, before = sum + count, to
  end
  equal(sum, 1000)
  equal(before, 1)
end)

test("two iterations do not disturb each other", function()
  local h = histogram.new():record(1):record(2)
  local one, two = h:each(), h:each()
  equal((one()), 1)
  equal((two()), 1)
  near((one()), 2)
  equal(one(), nil)
  equal(one(), nil)
end)

test("what is encoded decodes to the same", function()
  local h = thousand()
  local text = h:encode()
  equal(text:sub(1, 8), "HISTFAAA")
  local back = assert(histogram.decode(text))
  equal(back:encode(), text)
  equal(#back, 1000)
  near(back:mean(), h:mean())
end)

test("a text of another implementation is read", function()
  local h = assert(histogram.decode("HISTFAAAAC94nJNpmSzMwMDAxcDAwMjAwMDMAAGMDAzMbgY7FjDA"
    .. "+Uw/5W+wTH/FzAQAeaIGpA=="))
  equal(#h, 302)
  equal(h:min(), 1e-9)
  equal(h:count_between(2.047e-6, 2.047e-6), 300)
  equal(h:count_between(3600, 3600), 1)
end)

test("garbage is a failure, not a misuse", function()
  local long = ("A"):rep(1 << 20)
  for _, text in ipairs { "", "HIST", "HISTFAAA", ("A"):rep(1000), "\0\0\0\0", long } do
    local h, message, errno = histogram.decode(text)
    equal(h, nil)
    equal(errno, 22)
    t.contains(message, "not a histogram: ")
  end
end)

test("a histogram says what it holds", function()
  equal(tostring(histogram.new():record(0.001)), "histogram (1 value, 1 ms .. 1 ms)")
  equal(tostring(thousand()), "histogram (1000 values, 1 ms .. 1 s)")
end)

-- message, call
local misuse = {
  { "tspam.histogram.new: unknown field 'figures'", function() histogram.new { figures = 3 } end },
  { "bad argument #1 to 'new' (table expected, got number)", function() histogram.new(3) end },
  { "bad argument #1 to 'decode' (string expected, got nil)",
    function() histogram.decode(nil) end },
  { "bad argument #1 to 'percentile' (percentile must be 0 .. 100)",
    function() thousand():percentile(101) end },
  { "bad argument #1 to 'percentile' (percentile must be 0 .. 100)",
    function() thousand():percentile(0 / 0) end },
  { "bad argument #1 to 'percentile' (number expected, got no value)",
    function() thousand():percentile() end },
  { "bad argument #1 to 'record' (seconds must be finite and >= 0)",
    function() thousand():record(-1) end },
  { "bad argument #1 to 'record' (seconds must be finite and >= 0)",
    function() thousand():record(0 / 0) end },
  { "bad argument #1 to 'record' (seconds must be finite and >= 0)",
    function() thousand():record(math.huge) end },
  { "bad argument #2 to 'record' (count must be 0 .. 2^53)",
    function() thousand():record(1, -1) end },
  { "bad argument #2 to 'record' (number has no integer representation)",
    function() thousand():record(1, 2.5) end },
  { "bad argument #1 to 'count_between' (seconds expected, got nan)",
    function() thousand():count_between(0 / 0, 1) end },
  { "bad argument #2 to 'count_between' (number expected, got no value)",
    function() thousand():count_between(1) end },
  { "bad argument #1 to 'add' (tspam.histogram expected, got table)",
    function() thousand():add {} end },
}
test("misuse names the argument", function()
  for _, row in ipairs(misuse) do
    raises(row[1], row[2])
  end
end)

test("misuse is raised at the caller's line", function()
  local line = debug.getinfo(1, "l").currentline + 1
  local _, message = pcall(function() thousand():record(-1) end)
  t.contains(message, ("hist_test.lua:%d: bad argument"):format(line))
end)

test("methods refuse what is no histogram", function()
  raises("bad argument #1 to 'min' (tspam.histogram expected, got table)", function()
    local min = thousand().min
    min {}
  end)
end)

return t.finish()
