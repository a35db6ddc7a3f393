-- Goals: what is written on the command line, in the terms of RFC 9971.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local goals = require "tspam.search.goal"
local results = require "results"
local search = require "tspam.search"
local test, equal = t.test, t.equal

local function is(goal, final, sum, loss, exceed, width)
  equal(goal.final, final)
  equal(goal.sum, sum)
  equal(goal.loss, loss)
  equal(goal.exceed, exceed)
  equal(goal.width, width)
end

test("rfc2544 is one trial of 60 s without a loss", function()
  local goal = goals.parse "rfc2544"
  equal(goal.name, "rfc2544")
  is(goal, 60, 60, 0, 0)
end)

test("tst009 is two trials of 60 s, of which one may lose", function()
  local goal = goals.parse "tst009"
  equal(goal.name, "tst009")
  is(goal, 60, 120, 0, 0.5)
end)

test("a name may be written large", function()
  equal(goals.parse("RFC2544").name, "rfc2544")
end)

test("the width of a named goal is the precision of the search, one of your own has its own",
  function()
    local now = 0
    local outcome = search { start = 50, max_rate = 60, precision = 0.01, wait = function() end,
      goals = { goals.parse "rfc2544", goals.parse "3/3/0/0/7%" },
      now = function() return now end,
      trial = function(load)
        now = now + load.length
        return results.clean(load.rate, load.length)
      end }
    equal(outcome.answer.goals[1].width, 0.01)
    equal(outcome.answer.goals[2].width, 0.07)
  end)

test("two goals of one name are two tables", function()
  assert(goals.parse "tst009" ~= goals.parse "tst009")
end)

-- what is written: final, sum, loss, exceed, width
for text, row in pairs {
  ["60/120/0.5%/50%/2.5%"] = { 60, 120, 0.005, 0.5, 0.025 },
  ["60/120/0.005/0.5/0.025"] = { 60, 120, 0.005, 0.5, 0.025 },
  ["2m/1h/0/0/1%"] = { 120, 3600, 0, 0, 0.01 },
  ["500ms/1s/0%/20 %/10%"] = { 0.5, 1, 0, 0.2, 0.1 },
  ["3/3/0/0/5%"] = { 3, 3, 0, 0, 0.05 },
} do
  test(("'%s' is read"):format(text), function()
    local goal = goals.parse(text)
    equal(goal.name, text)
    is(goal, table.unpack(row))
  end)
end

local WANTED <const> = "rfc2544, tst009 or FINAL/SUM/LOSS/EXCEED/WIDTH like "
  .. "'60/120/0.5%/50%/2.5%' wanted (trial duration and duration sum in seconds)"

-- what is written, what is wrong with it
for text, why in pairs {
  [""] = "it is empty",
  ["rfc2545"] = "no such name",
  ["60/120/0/50%"] = "no width",
  ["60/120/0/50%/2.5%/1"] = "one too many",
  ["60/120/0/50%/2.5%/"] = "a stroke too many",
  ["60/30/0/50%/2.5%"] = "the sum is less than one trial",
  ["60/120/0/50%/0"] = "a width of nothing",
  ["60/120/0/100%/2.5%"] = "all may be of high loss",
  ["60/120/100%/0/2.5%"] = "all may be lost",
  ["60/120/0/50/2.5%"] = "50 is no share",
  ["60/120/-1%/0/2.5%"] = "less than nothing",
  ["60/120/x/0/2.5%"] = "no number",
  ["0/120/0/0/2.5%"] = "no duration",
  ["0.01/120/0/0/2.5%"] = "too short to measure in",
  ["60/1e9/0/0/2.5%"] = "longer than anyone waits",
  ["60q/120/0/0/2.5%"] = "no unit",
  ["nan/nan/0/0/2.5%"] = "no number",
} do
  test(("'%s' is refused: %s"):format(text, why), function()
    local goal, wanted = goals.parse(text)
    equal(goal, nil)
    equal(wanted, WANTED)
  end)
end

test("a search that is given no goal: two of three trials decide", function()
  local goal = goals.default(4, 0.005, 0.025)
  equal(goal.name, "default")
  is(goal, 4, 12, 0.005, 0.5, 0.025)
end)

return t.finish()
