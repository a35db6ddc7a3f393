-- The chances of a search, against known values.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local chance = require "tspam.search.chance"
local test, equal = t.test, t.equal

local function near(got, want, share)
  assert(math.abs(got / want - 1) <= share, ("got %s, want %s"):format(got, want))
end

-- which, how many, how many are expected, the chance (Poisson)
local KNOWN <const> = {
  { "at_most", 0, 1, 0.36787944 }, { "at_most", 2, 1, 0.91969860 },
  { "at_most", 0, 3, 0.04978707 }, { "at_most", 3, 7.5, 0.05914545 },
  { "at_most", 5, 10, 0.06708596 }, { "at_most", 80, 100, 0.02264918 },
  { "at_least", 1, 1, 0.63212056 }, { "at_least", 3, 1, 0.08030140 },
  { "at_least", 4, 0.5, 0.00175162 }, { "at_least", 20, 10, 0.00345434 },
  { "at_least", 12, 2.5, 1.25985e-5 }, { "at_least", 130, 100, 0.00228209 },
}
for _, row in ipairs(KNOWN) do
  local which, k, mean, want = table.unpack(row)
  test(("the chance of %s %d of %g is %g"):format(which, k, mean, want), function()
    near(chance[which](k, mean), want, 1e-4)
  end)
end

-- The same, where the normal distribution stands in.
local LARGE <const> = {
  { "at_most", 250, 300, 0.00168113 }, { "at_most", 300, 300, 0.51534876 },
  { "at_most", 940, 1000, 0.02902186 }, { "at_most", 9800, 10000, 0.02274922 },
  { "at_least", 230, 201, 0.02403021 }, { "at_least", 350, 300, 0.00260603 },
  { "at_least", 1060, 1000, 0.03084172 }, { "at_least", 10300, 10000, 0.00143237 },
}
for _, row in ipairs(LARGE) do
  local which, k, mean, want = table.unpack(row)
  test(("the chance of %s %d of %d is about %g"):format(which, k, mean, want), function()
    near(chance[which](k, mean), want, 0.3)
  end)
end

test("known quantiles of the normal distribution are met", function()
  -- Half of one is what a count covers to either side.
  for z, tail in pairs { [0] = 0.5, [1] = 0.158655, [1.96] = 0.024998, [3] = 0.00134990 } do
    near(chance.at_least(1e8 + 1e4 * z + 0.5, 1e8), tail, 1e-4)
    near(chance.at_most(1e8 - 1e4 * z - 0.5, 1e8), tail, 1e-4)
  end
end)

test("nothing expected: none is sure, one is impossible", function()
  equal(chance.at_most(0, 0), 1.0)
  equal(chance.at_least(1, 0), 0.0)
  equal(chance.at_least(0, 0), 1)
  equal(chance.at_most(-1, 5), 0)
end)

test("a chance lies between 0 and 1, falls with the count, and both sides make one", function()
  for _, mean in ipairs { 0.01, 0.5, 3, 40, 199, 201, 5000 } do
    local before = 1
    for k = 0, math.floor(2 * mean + 20) do
      local least = chance.at_least(k, mean)
      assert(least >= 0 and least <= before + 1e-12, ("%d of %g: %g"):format(k, mean, least))
      assert(math.abs(least + chance.at_most(k - 1, mean) - 1) < 1e-9)
      before = least
    end
  end
end)

return t.finish()
