-- The command lines of scripts: values, ranges, one line for each misuse.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local cli = require "tspam.cli"
local test, equal = t.test, t.equal

local SPEC <const> = {
  name = "rate",
  about = "Measures.",
  groups = { "target", "payload", "sources", "run", "output" },
  metrics = { answer = "rate" },
  overrides = { hold = { help = "own words", default = "50", min = 1, max = 100 } },
  { "-r --rate", "rate", "connections per second", many = true },
  { "-l --length", "time", "how long", above = 0, default = "10" },
  { "--from", "rate", "may be 0", min = 0 },
  { "--max-failures", "share", "bearable", default = "0.5%" },
  { "--increment", "number", "factor", above = 1, max = 100 },
}

local function parse(...)
  return cli.parse(SPEC, { ... })
end

test("numbers are read with their units", function()
  local o = parse("-r", "5k", "--rate", "2.1k", "-l", "500ms", "--expect", "1k",
    "--increment", "1.25")
  equal(#o.rate, 2)
  equal(o.rate[1], 5000)
  equal(o.rate[2], 2100)
  equal(o.length, 0.5)
  equal(o.expect, 1024)
  equal(o.increment, 1.25)
  equal(o.max_failures, 0.005)
end)

test("what is not given has its default or is nil", function()
  local o = parse()
  equal(o.length, 10)
  equal(o.host, nil)
  equal(#o.rate, 0)
  equal(o.quiet, nil)
end)

test("a rate of 0 is accepted only where the row allows it", function()
  equal(parse("--from", "0").from, 0)
  t.quits(2, function() parse("-r", "0") end)
end)

test("fields of tspam.run are told from the script's own", function()
  local o = parse("-H", "192.0.2.7", "-p", "2345-2354", "-I", "127.0.0.2", "-I", "127.0.0.3",
    "--hold", "1", "-r", "5")
  local fields = cli.run_fields(o)
  equal(fields.host, "192.0.2.7")
  equal(fields.port, "2345-2354")
  equal(table.concat(fields.local_ips, " "), "127.0.0.2 127.0.0.3")
  equal(fields.hold, 1)
  equal(fields.rate, nil)
  equal(fields.json, nil)
  equal(cli.run_fields(parse()).local_ips, nil)
end)

test("the content file is read once, whole", function()
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write("two\nlines\0")
  file:close()
  equal(parse("-c", path).content, "two\nlines\0")
  os.remove(path)
  equal(parse("-c", "/dev/null").content, "")
end)

test("a metric that the script adds may be required", function()
  equal(parse("--require", "answer>=5").require[1].metric, "answer")
end)

test("a script may change what a shared row says, presets and allows", function()
  equal(parse().hold, 50)
  equal(parse("--hold", "100").hold, 100)
  equal(t.quits(2, function() parse("--hold", "0") end),
    "option '--hold': seconds or a time like \"500ms\" wanted, 1 .. 100, got '0'")
end)

test("addresses, ranges and CIDRs are source addresses, whether or not they are here", function()
  local o = parse("-I", "203.0.113.9", "-I", "127.0.0.1-5", "-I", "127.0.0.0/24", "-I", "::1",
    "-I", "2001:db8::/120")
  equal(#o.local_ips, 5)
  equal(o.local_ips[3], "127.0.0.0/24")
end)

test("an IPv6 address is a host as it is", function()
  equal(parse("-H", "::1").host, "::1")
  equal(parse("-H", "[::1]").host, "[::1]")
end)

-- argument(s), status, message
local RATE <const> = 'a rate per second like "25k" wanted, above 0 and at most 10,000,000'
local PORT <const> = 'a port or a range like "2345-2354" wanted, 1 .. 65535'
local SHARE <const> = 'a share with its %, like "0.5%", wanted, 0% .. 100%'
local rows = {
  { { "-r", "0" }, 2, ("option '--rate': %s, got '0'"):format(RATE) },
  { { "-r", "-5" }, 2, ("option '--rate': %s, got '-5'"):format(RATE) },
  { { "--rate", "-5" }, 2, ("option '--rate': %s, got '-5'"):format(RATE) },
  { { "-r", "nan" }, 2, ("option '--rate': %s, got 'nan'"):format(RATE) },
  { { "-r", "inf" }, 2, ("option '--rate': %s, got 'inf'"):format(RATE) },
  { { "-r", "10000001" }, 2, ("option '--rate': %s, got '10000001'"):format(RATE) },
  { { "-r", "" }, 2, ("option '--rate': %s, got ''"):format(RATE) },
  { { "-l", "0" }, 2, "option '--length': seconds or a time like \"500ms\" wanted, "
    .. "above 0 and at most 1,000,000, got '0'" },
  { { "-p", "0" }, 2, ("option '--port': %s, got '0'"):format(PORT) },
  { { "-p", "65536" }, 2, ("option '--port': %s, got '65536'"):format(PORT) },
  { { "-p", "9-3" }, 2, ("option '--port': %s, got '9-3'"):format(PORT) },
  { { "-w", "2.5" }, 2,
    "option '--workers': a whole number like \"5k\" wanted, 1 .. 1024, got '2.5'" },
  { { "--arrivals", "odd" }, 2, "option '--arrivals': \"even\" or \"poisson\" wanted, got 'odd'" },
  { { "--increment", "1" }, 2,
    "option '--increment': a number wanted, above 1 and at most 100, got '1'" },
  { { "--increment", "nan" }, 2,
    "option '--increment': a number wanted, above 1 and at most 100, got 'nan'" },
  { { "--max-failures", "200%" }, 2,
    ("option '--max-failures': %s, got '200%%'"):format(SHARE) },
  { { "--local-ports", "some" }, 2,
    "option '--local-ports': \"auto\", \"kernel\", \"walk\" or a range like \"1024-65535\" wanted, "
    .. "got 'some'" },
  { { "-H", "" }, 2, "option '--host': a text wanted, got ''" },
  { { "-H", "127.0.0.1:3000" }, 2,
    "option '--host': a name or address wanted, its port by -p 3000, got '127.0.0.1:3000'" },
  { { "-H", "[::1]:80" }, 2,
    "option '--host': a name or address wanted, its port by -p 80, got '[::1]:80'" },
  { { "-I", "foo" }, 2, "option '--local-ip': address, range \"10.0.0.1-10.0.0.9\" or CIDR "
    .. "\"10.0.0.0/24\" expected, got 'foo'" },
  { { "-I", "127.0.0.9-127.0.0.1" }, 2,
    "option '--local-ip': the lower address goes first, got '127.0.0.9-127.0.0.1'" },
  { { "-I", "127.0.0.0/8" }, 2,
    "option '--local-ip': more than 65536 addresses, got '127.0.0.0/8'" },
  { { "--require", "p99<50" }, 2, "option '--require': a time with its unit, like \"50ms\", "
    .. "wanted after '<', got 'p99<50'" },
  { { "--legnth", "5" }, 2, "unknown option '--legnth': did you mean '--length'?" },
  { { "--local" }, 2, "unknown option '--local': did you mean '--local-ip'?" },
  { { "--colour" }, 2, "unknown option '--colour': see tspam rate --help" },
  { { "-z" }, 2, "unknown option '-z': see tspam rate --help" },
  { { "-r" }, 2, "option '-r' requires an argument" },
  { { "--quiet=1" }, 2, "option '--quiet' does not take arguments" },
  { { "5k" }, 2, "unexpected argument '5k': options begin with '-'" },
  { { "-4", "-6" }, 2, "options '-4' and '-6' cannot be used together" },
  { { "-c", "/no/such" }, 1,
    "option '--content': cannot read '/no/such': No such file or directory" },
  { { "-c", "/" }, 1, "option '--content': cannot read '/': Is a directory" },
  { { "-c", "/dev/zero" }, 1,
    "option '--content': '/dev/zero' is too large, at most 64 MiB are sent" },
}
for _, row in ipairs { "0.5", "1", "50", "0.005", "1e-3%", "%" } do
  test(("'--max-failures %s' is refused: 0.5 was 50 %%, not 0.5 %%"):format(row), function()
    equal(t.quits(2, function() parse("--max-failures", row) end),
      ("option '--max-failures': %s, got '%s'"):format(SHARE, row))
  end)
end

test("a share is read with its %, and 0 is 0 without", function()
  equal(parse("--max-failures", "0.5%").max_failures, 0.005)
  equal(parse("--max-failures", "100 %").max_failures, 1)
  equal(parse("--max-failures", "0").max_failures, 0)
end)

for _, row in ipairs(rows) do
  test(("'%s' is refused by name, value and range"):format(table.concat(row[1], " ")), function()
    equal(t.quits(row[2], function() parse(table.unpack(row[1])) end), row[3])
  end)
end

return t.finish()
