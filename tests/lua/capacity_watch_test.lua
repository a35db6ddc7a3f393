-- When a run that holds its connections is stopped, and what who watched it remembers.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local capacity = require "tspam.capacity"
local test, equal = t.test, t.equal

local function watched(list, limit)
  local on_interval, seen = capacity.watch(limit or 10, function() end)
  for i, figures in ipairs(list) do
    if not on_interval(figures) then
      return i, seen.full, seen
    end
  end
end

local function slice(time, started, failed)
  return { time = time, started = started, failed = failed, ok = 0 }
end

test("the run stops when nearly all new connections fail, not at a stray failure", function()
  local stopped, full = watched { slice(1, 100, 0), slice(2, 100, 2), slice(3, 100, 10),
    slice(4, 100, 60), slice(5, 100, 100) }
  equal(stopped, 5)
  equal(full, true)
end)

test("nearly all have to fail for a second: a moment is no end", function()
  local list = {}
  for i = 1, 20 do
    list[i] = slice(i / 4, 125, i > 1 and i < 5 and 125 or i > 12 and 125 or 0)
  end
  local stopped, full = watched(list)
  equal(stopped, 16)
  equal(full, true)
end)

test("a share that fails, second for second, ends the run, and is no full table", function()
  for _, failed in ipairs { 40, 80, 110 } do
    local list = {}
    for i = 1, 60 do
      list[i] = slice(i / 4, 125, i > 8 and failed or 0)
    end
    local stopped, full, seen = watched(list, 60)
    assert(stopped >= 17 and stopped <= 20, stopped)
    equal(full, false)
    equal(seen.limited, true)
    for i = 1, 60 do
      list[i] = slice(i / 4, 125, i % 10 == 9 and 125 or 20)
    end
    equal(watched(list, 60), nil)
  end
end)

test("two failures are too few to stop for, whatever their share", function()
  equal(watched { slice(1, 2, 2) }, nil)
end)

test("where the rate is low failures are counted over several intervals", function()
  local list = {}
  for i = 1, 40 do
    list[i] = slice(i / 4, i % 2, i > 20 and i % 2 or 0)
  end
  local stopped, full = watched(list, 60)
  equal(stopped, 25) -- the third failure, of three started since the first
  equal(full, true)
  for i = 1, 40 do
    list[i] = slice(i / 4, 1, i % 13 == 0 and 1 or 0)
  end
  equal(watched(list, 60), nil)
end)

test("the run stops at its time, and that is no full table", function()
  local stopped, full = watched({ slice(1, 100, 0), slice(2, 100, 0), slice(3, 100, 0) }, 2)
  equal(stopped, 2)
  equal(full, false)
end)

test("who watches counts what the target closes, and when it began to", function()
  local list = { slice(1, 100, 0), slice(2, 100, 0), slice(3, 100, 1) }
  list[2].ok, list[3].ok = 7, 80
  local _, _, seen = watched(list, 3)
  equal(seen.closed, 87)
  equal(seen.closed_time, 2)
  equal(seen.failed, 1)
end)

return t.finish()
