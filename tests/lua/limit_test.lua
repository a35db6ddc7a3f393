-- What kind of limit it is, in one sentence and as JSON.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local json = require "tspam.json"
local limit = require "tspam.report.limit"
local test, equal = t.test, t.equal

-- a limit, its sentence, its JSON
for _, row in ipairs {
  { { kind = "rate", rate = 300, burst = 30 }, "a token bucket of 300/s with a burst of 30",
    '{"kind":"rate","rate":300,"burst":30}' },
  { { kind = "rate", rate = 20000.5, burst = 2000 },
    "a token bucket of 20.0k/s with a burst of 2,000" },
  { { kind = "rate", rate = 300, burst = 0 }, "a limit of 300/s, at any overload" },
  { { kind = "rate", rate = 300 }, "a limit of 300/s, at any overload",
    '{"kind":"rate","rate":300}' },
  { { kind = "open", connections = 33 }, "at most 33 open at once",
    '{"kind":"open","connections":33}' },
  { { kind = "open", connections = 65536 }, "at most 65,536 open at once" },
  { { kind = "state", entries = 2000, lifetime = 125 },
    "a table of 2,000 entries that live 125 s: 16/s sustained",
    '{"kind":"state","entries":2000,"lifetime":125,"sustained":16.0}' },
  { { kind = "state", entries = 2000, lifetime = 119.98 },
    "a table of 2,000 entries that live 120 s: 16.67/s sustained" },
  { { kind = "state", entries = 900 }, "a table of 900 entries", '{"kind":"state","entries":900}' },
  { { kind = "bandwidth", bits_per_second = 2e6 }, "bandwidth: 2 Mbit/s on the wire",
    '{"kind":"bandwidth","bits_per_second":2000000.0}' },
  { { kind = "bandwidth", bits_per_second = 1.234e9 }, "bandwidth: 1.23 Gbit/s on the wire" },
  { { kind = "bandwidth", bits_per_second = 9.996e8 }, "bandwidth: 1 Gbit/s on the wire" },
  { { kind = "bandwidth", bits_per_second = 56e3 }, "bandwidth: 56 kbit/s on the wire" },
  { { kind = "bandwidth", bits_per_second = 300 }, "bandwidth: 300 bit/s on the wire" },
  { { kind = "processing", seconds = 0.0056 }, "processing: one connection at a time, 5.60 ms each",
    '{"kind":"processing","seconds":0.0056}' },
  { { kind = "processing", seconds = 5.6e-5 },
    "processing: one connection at a time, 56.0 us each" },
  { { kind = "unknown", reason = "interrupted" }, "not known (interrupted)",
    '{"kind":"unknown","reason":"interrupted"}' },
} do
  local kind, sentence, document = table.unpack(row)
  test(("'%s'"):format(sentence), function()
    equal(limit.sentence(kind), "Kind of limit: " .. sentence .. ".\n")
    if document then
      equal((json.encode(limit.value(kind)):gsub("%s", "")), document)
    end
  end)
end

test("where no kind was looked for, nothing is told", function()
  equal(limit.sentence(nil), "")
  equal(limit.value(nil), nil)
end)

return t.finish()
