-- Plots for a terminal: the exact picture.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local format = require "tspam.format"
local plot = require "tspam.plot"
local test, equal = t.test, t.equal

local function share(y)
  return format.share(y, 1)
end

local LATENCY <const> = {
  title = "median latency", unit = format.time, label = format.rate, columns = 48,
}
local FAILED <const> = { title = "failed", unit = share, label = format.rate, columns = 48 }

local function with(options, changes)
  return setmetatable(changes, { __index = options })
end

local function looks_like(points, options, picture)
  equal(table.concat(plot(points, options), "\n") .. "\n", picture)
end

test("both axes have round ticks with their units, a wide range is logarithmic", function()
  looks_like({ { 50, 0.0004, "o" }, { 100, 0.0005, "o" }, { 200, 0.0004, "o" },
    { 400, 0.012, "o" }, { 800, 0.027, "x" }, { 1131, 0.029, "?" } }, LATENCY, [[
median latency
30 ms +                                        ?
      |                                    x
      |
20 ms +
      |
      |                           o
10 ms +
      |
      |
  0 s + o        o       o
      +-+--------+-------+-----------+-------+--
       50/s    100/s   200/s       500/s    1k/s
]])
end)

test("a narrow range is linear", function()
  looks_like({ { 290, 0, "o" }, { 300, 0.002, "o" }, { 305, 0.011, "x" }, { 310, 0.04, "x" } },
    FAILED, [[
failed
4 % +                                          x
    |
    |
    |
2 % +
    |
    |                                x
    |
0 % + o                    o
    +-+---------+----------+---------+---------+
    290/s     295/s      300/s     305/s   310/s
]])
end)

test("over many powers of ten the ticks are powers of ten", function()
  looks_like({ { 20, 0, "o" }, { 1e3, 0.002, "o" }, { 2e6, 0.0123, "x" } }, FAILED, [[
failed
1.5 % +
      |
      |                                        x
  1 % +
      |
      |
0.5 % +
      |
      |              o
  0 % + o
      +------+-------+-------+-------+-------+--
           100/s    1k/s   10k/s   100k/s   1M/s
]])
end)

test("a range may begin at 0, and have a title below", function()
  looks_like({ { 0, 12000, "o" }, { 60, 1500, "o" } },
    with(LATENCY, { unit = format.count, label = format.span, x_title = "seconds since start" }), [[
median latency
15k +
    |
    | o
10k +
    |
    |
 5k +
    |
    |                                          o
  0 +
    +-+-------------+------------+-------------+
     0 s           20 s         40 s        60 s
                 seconds since start
]])
end)

test("where nothing is above 0 a line is enough", function()
  looks_like({ { 50, 0, "o" }, { 300, 0, "o" } }, FAILED, [[
failed
0 % + o                                        o
    +-+---------------+---------------+---------
     50/s           100/s           200/s
]])
end)

test("points on one cell show the worst of their marks, in any order", function()
  for _, marks in ipairs { "o?x", "x?o", "xo?", "?xo" } do
    local points = { { 10, 5, "o" }, { 100, 10, "o" } }
    for mark in marks:gmatch(".") do
      table.insert(points, 2, { 31.6, 5, mark })
    end
    looks_like(points, { title = marks, unit = format.count, label = format.count, width = 11,
      height = 3 }, marks .. [[

10 +           o
 5 + o    x
 0 +
   +-+---------+
     10      100
]])
  end
  equal(plot({ { 1, 1, "?" }, { 1, 1, "o" }, { 9, 2, "o" } },
    with(LATENCY, { height = 3 }))[3]:sub(-1), "?")
end)

test("all of it is as wide as the terminal, but 80 columns at most", function()
  for columns, widest in pairs { [30] = 30, [72] = 72, [200] = 80, [5] = 26 } do
    local most = 0
    for _, line in ipairs(plot({ { 50, 0, "o" }, { 1000, 2, "x" } },
      with(LATENCY, { columns = columns }))) do
      most = math.max(most, #line)
    end
    equal(most, widest)
  end
end)

test("labels of x never touch, however narrow it is", function()
  for width = 20, 60 do
    for _, high in ipairs { 51, 55, 70, 120, 249, 251, 1e3, 1e4, 123456, 1e6, 9e6 } do
      local lines = plot({ { 50, 1, "o" }, { high, 2, "x" } }, with(LATENCY, { width = width }))
      local labels = lines[#lines]
      assert(labels:find("/s.*/s") and not labels:find("/s ?%d"), labels)
      equal(select(2, lines[#lines - 1]:sub(6):gsub("+", "")), select(2, labels:gsub("/s", "")))
    end
  end
end)

test("ticks of y are three or four round numbers that span all values", function()
  for _, top in ipairs { 1e-7, 0.00031, 0.06, 0.6, 0.61, 1, 1.3, 1.5, 2.9, 3, 3.1, 6, 7, 15, 99 } do
    local ticks = {}
    local lines = plot({ { 1, 0, "o" }, { 2, top, "o" } }, with(LATENCY, {
      unit = function(y)
        ticks[#ticks + 1] = y
        return ""
      end }))
    assert(#ticks == 3 or #ticks == 4, #ticks)
    assert(ticks[1] == 0 and ticks[#ticks] >= top * (1 - 1e-9), top)
    assert(("%.6e"):format(ticks[2]):find("^[125]%.000000e"), ticks[2])
    assert(lines[2]:find("o$") or top < 0.95 * ticks[#ticks], top)
  end
end)

test("one point, or one x, is no plot", function()
  equal(#plot({ { 10, 1, "o" } }, LATENCY), 0)
  equal(#plot({ { 10, 1, "o" }, { 10, 2, "o" } }, LATENCY), 0)
  equal(#plot({}, LATENCY), 0)
end)

return t.finish()
