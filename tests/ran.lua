--- What ran, and what did not: reads ctest's reports of one stage of tests/run.sh.
--   tspam ran.lua [--strict] STAGE MODE JUNIT.xml TESTS.json [COUNTS SKIPS]
-- STAGE, MODE: which rows and which column of COUNTS hold; a stage without rows ("as asked")
-- may run any number. TESTS.json: ctest --show-only=json-v1, for the labels. With --strict a
-- skip that SKIPS does not list is a failure. Exit status: 0, or 1 with a sentence for each.
local json = require "dkjson"

local strict = arg[1] == "--strict"
if strict then
  table.remove(arg, 1)
end
local here <const> = arg[0]:match("^(.-)[^/]*$")
local stage <const>, mode <const>, junit <const>, listing <const> = table.unpack(arg)
local counts_path <const> = arg[5] or here .. "counts.txt"
local skips_path <const> = arg[6] or here .. "skips.txt"

local problems = {}

local function problem(message, ...)
  problems[#problems + 1] = message:format(...)
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

-- The rows of a table of words: no comments, no empty lines.
local function rows(path)
  local lines = read(path):gmatch("[^\n]+")
  return function()
    for line in lines do
      if line:find("^%s*[^#%s]") then
        return line
      end
    end
  end
end

-- name of a test -> its labels
local function read_labels()
  local labels = {}
  for _, test in ipairs(assert(json.decode(read(listing))).tests) do
    labels[test.name] = {}
    for _, property in ipairs(test.properties or {}) do
      if property.name == "LABELS" then
        labels[test.name] = property.value
      end
    end
  end
  return labels
end

-- Skips within a test that passed: cmocka's, and a line "skipped: …" of a script.
local function inner_skips(name, output, found)
  local seen = {}
  for inner in output:gmatch("%[  SKIPPED %] ([%w_]+)") do
    if not seen[inner] then
      seen[inner] = true
      found[#found + 1] = { name = name .. "/" .. inner, text = "skipped by the test itself" }
    end
  end
  for text in ("\n" .. output):gmatch("\n[#%s]*skipped: ([^\n]*)") do
    found[#found + 1] = { name = name, text = text }
  end
end

-- -> names of the tests that ran, list of { name, text } of those and the parts that did not
local function read_junit()
  local ran, skipped = {}, {}
  for head, body in read(junit):gmatch("<testcase ([^>]*)>(.-)</testcase>") do
    local name, status = head:match('name="(.-)"'), head:match('status="(.-)"')
    local output = body:match("<system%-out>(.-)</system%-out>") or ""
    if status == "run" or status == "fail" then
      ran[#ran + 1] = name
      inner_skips(name, output, skipped)
    else
      local text = output:match("skipped: ([^\n]*)") or "did not run: " .. tostring(status)
      skipped[#skipped + 1] = { name = name, text = text }
    end
  end
  return ran, skipped
end

local function count_labels(ran, labels)
  local counts, names = {}, {}
  for _, test in ipairs(ran) do
    for _, label in ipairs(labels[test] or {}) do
      if not counts[label] then
        names[#names + 1] = label
      end
      counts[label] = (counts[label] or 0) + 1
    end
  end
  table.sort(names)
  return counts, names
end

local function check_counts(counts)
  for row in rows(counts_path) do
    local of, label, default, slow = row:match("^(%S+)%s+(%S+)%s+(%d+)%s+(%d+)%s*$")
    assert(of, counts_path .. ": not 'stage label default slow': " .. row)
    local least = tonumber(mode == "slow" and slow or default)
    if of == stage and (counts[label] or 0) < least then
      problem("%s: %d tests of label %s ran, not %d or more (%s)", stage, counts[label] or 0,
        label, least, counts_path)
    end
  end
end

local function check_skips(skipped)
  local reasons = {}
  for row in rows(skips_path) do
    local name, reason = row:match("^(%S+)%s+(%S.*)$")
    assert(name, skips_path .. ": a name without a reason: " .. row)
    reasons[name] = reason
  end
  for _, skip in ipairs(skipped) do
    local reason = reasons[skip.name]
    print(("skipped %s: %s%s"):format(skip.name, skip.text,
      reason and " (listed: " .. reason .. ")" or ""))
    if strict and not reason then
      problem("%s was skipped, and %s gives no reason for it", skip.name, skips_path)
    end
  end
end

local ran, skipped = read_junit()
local counts, names = count_labels(ran, read_labels())
local words = {}
for _, label in ipairs(names) do
  words[#words + 1] = counts[label] .. " " .. label
end
print(("ran in %s: %d tests (%s), %d skipped"):format(stage, #ran, table.concat(words, ", "),
  #skipped))
check_skips(skipped)
check_counts(counts)
for _, text in ipairs(problems) do
  io.stderr:write("not ok - ", text, "\n")
end
return #problems > 0 and 1 or 0
