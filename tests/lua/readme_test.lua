-- The README is true: every option of every script, every file, the example runs.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local shipped = require "tspam.shipped"
local test, equal, contains = t.test, t.equal, t.contains

local ROOT <const> = os.getenv("TSPAM_SOURCE") or arg[0]:match("^(.-)[^/]*$") .. "../.."
local TSPAM <const> = "'" .. tspam.executable .. "' "

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local README <const> = read(ROOT .. "/README.md")

for _, script in ipairs(shipped.list()) do
  test("the README names every option of " .. script.name, function()
    local _, help = t.shell(TSPAM .. script.name .. " --help")
    assert(README:find("**" .. script.name .. "**", 1, true), "no paragraph about it")
    for option in help:gmatch("(%-%-[%w-]+)") do
      assert(README:find(option, 1, true), option .. " is not there")
    end
  end)
end

test("the README names every package that building takes, and no other", function()
  local named = README:match("apt%-get install ([^`]+)`"):gsub("%s+", " ") .. " "
  local listed = ""
  for line in io.lines(ROOT .. "/scripts/packages.txt") do
    local package = line:match("^(%S+)%s+build%f[%s\0]")
    listed = listed .. (package and package .. " " or "")
  end
  equal(named, listed)
end)

test("the README tells every figure that is held to a bound, and that bound", function()
  local told, held = {}, {}
  for row in README:gmatch("\n(|[^\n]* | at %l+ [%d.]+ |)") do
    told[#told + 1] = row
  end
  for line in io.lines(ROOT .. "/tests/bench/bounds.txt") do
    local row = line:match("^([^#].*) | tests/bench/[^|]+$")
    held[#held + 1] = row and "| " .. row .. " |" or nil
  end
  assert(#held > 0, "there are none")
  equal(table.concat(told, "\n"), table.concat(held, "\n"))
end)

test("the example runs as it stands", function()
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(README:match("```lua\n(.-)```"))
  file:close()
  local status, out, err = t.shell(TSPAM .. path)
  os.remove(path)
  equal(err, "")
  equal(status, 0)
  contains(out, "3 stages")
  assert(out:find("ok +400  100 %%"), out)
end)

test("every file the map points to is there", function()
  local looked_at = 0
  for path in README:gmatch("`([%w_/.]+/[%w_/.]+)`") do
    local known = path:find("^src/") or path:find("^lua/") or path:find("^tests/")
      or path:find("^scripts/")
    if known then
      looked_at = looked_at + 1
      assert(os.rename(ROOT .. "/" .. path, ROOT .. "/" .. path), path .. " is not there")
    end
  end
  assert(looked_at > 10, looked_at) -- else the map is written in another way
end)

return t.finish()
