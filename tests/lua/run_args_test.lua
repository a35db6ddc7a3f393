-- tspam.run misused: the messages, word for word, at the caller's line.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local test, raises = t.test, t.raises

local RATE <const> = 'number or string like "25k"'
local TIME <const> = 'number of seconds or string like "250ms"'

-- spec, message without "tspam.run: "
local rows = {
  { {}, "field 'rate' is missing (connections per second)" },
  { { port = 1, rat = 5 }, "unknown field 'rat' (did you mean 'rate'?)" },
  { { rate = 5, zzzzzz = 1 }, "unknown field 'zzzzzz'" },
  { { rate = 5, [1] = 1 }, "names of fields expected, got a key of type number" },
  { { rate = true }, "field 'rate': " .. RATE .. " expected, got boolean" },
  { { rate = "25q" }, "field 'rate': " .. RATE .. " expected, got '25q'" },
  { { rate = {} }, "field 'rate': " .. RATE .. " expected, got table" },
  { { rate = 0 }, "field 'rate': a constant rate must be above 0 "
    .. "(a ramp may begin or end there), got 0" },
  { { rate = -1 }, "field 'rate': must be 0 .. 10M, got -1" },
  { { rate = 0 / 0 }, "field 'rate': must be finite, got nan" },
  { { rate = math.huge }, "field 'rate': must be finite, got inf" },
  { { rate = 10000001 }, "field 'rate': must be 0 .. 10M, got 10000001" },
  { { rate = 5, length = "5 parsec" }, "field 'length': " .. TIME .. " expected, got '5 parsec'" },
  { { rate = 5, length = 0 }, "field 'length': must be 1 ms .. 1000000 s, got 0" },
  { { rate = 5, length = 1, count = 1 }, "give 'length' or 'count', not both" },
  { { rate = 5, concurrency = 1 }, "give one of 'rate', 'stages' and 'concurrency'" },
  { { rate_to = 5 }, "field 'rate' is missing ('rate_to' needs it)" },
  { { rate = 5, port = 0 }, "field 'port': must be 1 .. 65535, got 0" },
  { { rate = 5, port = 65536 }, "field 'port': must be 1 .. 65535, got 65536" },
  { { rate = 5, port = "http" },
    "field 'port': port number or range like \"2345-2354\" expected, got 'http'" },
  { { rate = 5, count = 1.5 },
    "field 'count': whole number or string like \"5k\" expected, got '1.5'" },
  { { rate = 5, host = 5 }, "field 'host': string expected, got number" },
  { { rate = 5, nat = 1 }, "field 'nat': boolean expected, got number" },
  { { rate = 5, close = "soft" }, "field 'close': \"half\" or \"reset\" expected, got 'soft'" },
  { { rate = 5, arrivals = "odd" },
    "field 'arrivals': \"even\" or \"poisson\" expected, got 'odd'" },
  { { rate = 5, local_ports = "few" }, "field 'local_ports': \"auto\", \"kernel\", \"walk\" or "
    .. "a range like \"1024-65535\" expected, got 'few'" },
  { { rate = 5, local_ips = { 1 } }, "field 'local_ips': [1]: string expected, got number" },
  { { rate = 5, local_ips = 5 },
    "field 'local_ips': string or list of strings expected, got number" },
  { { rate = 5, on_interval = 5 }, "field 'on_interval': function expected, got number" },
  { { rate = 5, content = "a", content_file = "b" }, "give 'content' or 'content_file', not both" },
  { { stages = {} }, "field 'stages': must have at least one stage" },
  { { stages = { { rate = 5 } } }, "field 'stages': [1].length: is missing (how long it lasts)" },
  { { stages = { { rate = 5, length = 1, lenght = 1 } } },
    "field 'stages': [1]: unknown field 'lenght' (did you mean 'length'?)" },
  { { stages = { { rate = 5, length = 1 } }, length = 5 },
    "field 'length' does not go with 'stages', which have lengths of their own" },
}
for i, row in ipairs(rows) do
  test(("misuse %d: %s"):format(i, row[2]), function()
    raises("tspam.run: " .. row[2], function() tspam.run(row[1]) end)
    raises("tspam.start: " .. row[2], function() tspam.start(row[1]) end)
    raises("tspam.doctor: " .. row[2], function() tspam.doctor(row[1]) end)
  end)
end

test("an error names the caller's line", function()
  local _, problem = pcall(function() tspam.run { rat = 5 } end)
  assert(problem:find("run_args_test.lua:%d+: tspam.run: unknown field 'rat'"), problem)
end)

test("anything but a table is refused", function()
  for _, call in ipairs { tspam.run, tspam.start, tspam.server, tspam.doctor } do
    local fine, problem = pcall(call, 5)
    assert(not fine and problem:find("table expected, got number", 1, true), problem)
  end
end)

test("the caller's table is only read", function()
  local spec = setmetatable({ port = 1, rate = "100", count = "1" },
    { __newindex = function() error("written to") end })
  assert(tspam.run(spec))
  t.equal(spec.rate, "100")
  t.equal(spec.count, "1")
end)

test("what the machine refuses is returned: message and errno", function()
  local result, message, code = tspam.run { host = "127.0.0.1", port = 1, rate = 1, count = 1,
    content_file = "/no/such/file" }
  t.equal(result, nil)
  t.contains(message, "/no/such/file")
  t.equal(code, 2)
  result, message, code = tspam.run { port = 1, rate = 1, count = 1, local_ips = "203.0.113.9" }
  t.equal(result, nil)
  t.contains(message, "203.0.113.9")
  assert(math.type(code) == "integer")
end)

test("a server's misuse is named in the same way", function()
  raises("tspam.server: unknown field 'prot' (did you mean 'port'?)", function()
    tspam.server { prot = 5 }
  end)
  raises("tspam.server: field 'port': must be 0 .. 65535, got 65536", function()
    tspam.server { port = 65536 }
  end)
end)

return t.finish()
