-- The reports, on a result of known figures.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local dkjson = require "dkjson"
local fixture = require "fixture"
local format = require "tspam.format"
local json = require "tspam.json"
local report = require "tspam.report"
local test, equal, contains = t.test, t.equal, t.contains

local function text_of(changes)
  local out = t.buffer()
  report(fixture.result(changes), "text", out)
  return out.text
end

local function json_of(changes)
  local out = t.buffer()
  report(fixture.result(changes), "json", out)
  return out.text, assert(dkjson.decode(out.text))
end

local REASON <const> = { limit = "generator", what = "late starts",
  text = "late starts: p99 of lag 20 ms" }

test("the text begins with what was asked", function()
  local first = text_of():match("^[^\n]*")
  equal(first, "rate 1,000/s for 10 s to 192.0.2.7:2345 (device.example), sends 4 B, holds 500 ms")
end)

test("the text counts what became of the connections, causes by size", function()
  local text = text_of()
  assert(text:find("due +10,000\n"), text)
  assert(text:find("ok +9,900  99.0 %%\n"), text)
  assert(text:find("failed +100  1.0 %%\n +refused/connect +60\n +timeout/reply +40\n"), text)
  assert(text:find("retransmitted +7"), text)
  assert(text:find("achieved +1,000/s  asked 1,000/s"), text)
end)

test("the original's figures are there by their names", function()
  local text = text_of()
  local head = text:match("\nphase[^\n]*")
  equal((head:gsub("  +", "|")), "\nphase|minimum|mean|median|90th percentile|p99|p99.9|maximum")
  local row = text:match("\nlatency[^\n]*")
  equal((row:gsub("  +", "|")),
    "\nlatency|1.00 ms|50.5 ms|50.0 ms|90.0 ms|99.0 ms|100 ms|100 ms")
end)

test("the text shows a phase it has never heard of, and an empty one as dashes", function()
  equal((text_of():match("\noddity[^\n]*"):gsub("  +", "|")), "\noddity|-|-|-|-|-|-|-")
end)

test("a run that was refused altogether is said in words", function()
  local text = text_of { ok = 0, failed = 10000, failures = { ["refused/connect"] = 10000 } }
  contains(text, "All connections failed the same way: refused/connect - nothing listens there")
end)

test("a ramp that was interrupted is compared with what was asked until then", function()
  local text = text_of { interrupted = true, spec = { rate = 0, rate_to = 50 }, rate = 25,
    due = 10, started = 8, achieved = 4 }
  assert(text:find("achieved +4/s  asked 5/s until then\n"), text)
  assert(text_of { interrupted = true }:find("achieved +1,000/s  asked 1,000/s\n"))
end)

test("a run without success is said in words", function()
  contains(text_of { ok = 0 }, "Not one connection succeeded.")
end)

test("warnings, verdict, reasons and an interrupt come last", function()
  local text = text_of {
    interrupted = true, verdict = "invalid", reasons = { REASON },
    warnings = { { severity = "warning", what = "open files", have = "1,024", need = "5,000",
      remedy = "ulimit -n 5000", effect = "connections fail with no-fd" } },
  }
  contains(text, "Interrupted: this is what was measured until then.\n"
    .. "warning: open files: have 1,024, need 5,000; otherwise connections fail with no-fd; "
    .. "to mend it: ulimit -n 5000\n"
    .. "Verdict: invalid, this machine was the limit, not the target.\n"
    .. "  late starts: p99 of lag 20 ms\n")
end)

test("a valid run says so in its last line", function()
  assert(text_of():find("\nVerdict: valid, this machine was not the limit.\n$"), text_of())
end)

test("errno names behind other causes and the first failure are shown", function()
  local text = text_of { failures = { ["other/connect"] = 100 },
    others = { ["EPROTO/connect"] = 100 }, first_failure = { time = 1.5, count = 1500 } }
  assert(text:find("EPROTO/connect +100"), text)
  assert(text:find("first failure +1.50 s  after 1,500 connections"), text)
end)

test("sources and nat are lines of their own, with units", function()
  local text = text_of { sources = { tuples = 28232, picked_by = "tspam", shortest_reuse = 0.5 },
    nat = { translated = true, ports_preserved = 0.25, outside_addresses = { "192.0.2.1" } } }
  contains(text, "picked by tspam, 28,232 pairs of address and port, shortest reuse 500 ms\n")
  contains(text, "outside addresses 192.0.2.1, ports preserved 25.0 %, translated true\n")
end)

test("a range of ports and a dry run are said in the head", function()
  local range = { address = "127.0.0.1", port = 2345, port_to = 2347 }
  contains(text_of { target = range }:match("^[^\n]*"), " to 127.0.0.1:2345-2347, sends")
  local own = { address = "::1", port = 2345, dry_run = true }
  contains(text_of { target = own }:match("^[^\n]*"),
    " to [::1]:2345 (dry run: a server of our own), sends")
end)

test("the figures stay in their column, however long a cause", function()
  local text = text_of { failures = { ["unreachable/connect"] = 100 }, nat = { translated = true },
    others = { ["ENOTRECOVERABLE/connect"] = 100 } }
  local function column(row)
    local _, last = text:find("\n *" .. row:gsub("%p", "%%%0") .. " +[%d,.]+")
    local start = text:sub(1, last):match(".*()\n")
    return last - start
  end
  equal(column("unreachable/connect"), column("due"))
  equal(column("ENOTRECOVERABLE/connect"), column("due"))
  equal(column("retransmitted"), column("due"))
end)

test("the first failure of a closed loop has no count", function()
  local text = text_of { first_failure = { time = 1.5 } }
  assert(text:find("first failure +1.50 s\n"), text)
end)

test("loads of every shape are named", function()
  contains(text_of { spec = { rate = 0, rate_to = 2000 } }, "ramp from 0/s to 2,000/s")
  contains(text_of { spec = { concurrency = 64 } }, "64 connections at once")
  contains(text_of { spec = { stages = { {}, {} } } }, "2 stages")
  contains(text_of { spec = { count = 500 } }, "rate 1,000/s, 500 connections")
  contains(text_of { label = "warm-up" }, "warm-up: rate")
end)

test("JSON has the keys of the contract in their order", function()
  local text = json_of()
  local keys = {}
  for key in text:gmatch('\n  "([^"]+)":') do
    keys[#keys + 1] = key
  end
  equal(table.concat(keys, " "), "rate achieved completed length elapsed due started ok failed "
    .. "aborted capped not_started retransmitted retransmitted_ok open_max bytes_sent "
    .. "bytes_received failures phases timeline verdict reasons warnings counters sources cpu "
    .. "interrupted spec")
end)

test("JSON keeps counts whole and phases with their percentiles", function()
  local text, run = json_of()
  assert(text:find('"due":10000,'), text)
  equal(run.failures["refused/connect"], 60)
  equal(run.phases.latency.count, 100)
  equal(run.phases.latency.p50, 0.05)
  equal(run.phases.latency.p99_9, 0.1)
  equal(run.phases.oddity.count, 0)
  equal(run.phases.oddity.p50, nil)
  equal(run.timeline[1].started, 1000)
  equal(run.cpu.share, 0.25)
end)

test("a program that reads the JSON need not parse a reason's sentence", function()
  local _, run = json_of { verdict = "invalid", reasons = { REASON } }
  equal(run.reasons[1].limit, "generator")
  equal(run.reasons[1].what, "late starts")
  equal(run.reasons[1].text, "late starts: p99 of lag 20 ms")
end)

test("empty tables are objects or arrays as the contract says", function()
  local text = json_of { failures = {}, timeline = {}, sources = {} }
  for _, piece in ipairs { '"failures":{}', '"counters":{}', '"sources":{}', '"timeline":[]',
    '"reasons":[]', '"warnings":[]' } do
    contains(text:gsub("{%s+}", "{}"), piece)
  end
end)

test("a byte that is not UTF-8 becomes U+FFFD in JSON, wherever it stands", function()
  local text, run = json_of { label = "a\xffb\xe2\x82", warnings = { { what = "\xc0é" } },
    failures = { ["odd\xfe/connect"] = 1 } }
  assert(utf8.len(text), text)
  equal(run.label, "a\u{FFFD}b\u{FFFD}\u{FFFD}")
  equal(run.warnings[1].what, "\u{FFFD}é")
  equal(run.failures["odd\u{FFFD}/connect"], 1)
end)

test("NaN and Infinity never reach JSON", function()
  local text = json_of { achieved = 0 / 0, completed = math.huge, elapsed = -math.huge,
    cpu = { share = 0 / 0 } }
  assert(not text:lower():find("nan") and not text:lower():find("inf"), text)
end)

test("others, first_failure and nat are in JSON when they are in the result", function()
  local _, run = json_of { others = { ["EPROTO/connect"] = 2 }, nat = { translated = true },
    first_failure = { time = 0.5, count = 17 } }
  equal(run.others["EPROTO/connect"], 2)
  equal(run.first_failure.count, 17)
  equal(run.nat.translated, true)
end)

test("the outside addresses of nat are a list in JSON, none or some", function()
  local text = json_of { nat = { reported = 0, outside_addresses = {} } }
  contains(text:gsub("%s", ""), '"outside_addresses":[]')
  text = json_of { nat = { reported = 1, outside_addresses = { "192.0.2.1" } } }
  contains(text:gsub("%s", ""), '"outside_addresses":["192.0.2.1"]')
end)

test("an object of JSON keeps its order and drops what is nil", function()
  equal(json.encode(json.object { { "b", 1 }, { "a", nil }, { "c", json.list {} } }):gsub("%s", ""),
    '{"b":1,"c":[]}')
end)

test("a format that does not exist is refused by name", function()
  t.raises("report: no format 'xml' (no module tspam.report.xml)", function()
    report(fixture.result(), "xml", t.buffer())
  end)
end)

local numbers = {
  { "time", 0.00123, "1.23 ms" }, { "time", 1.5, "1.50 s" }, { "time", 12.34, "12.3 s" },
  { "time", 2.5e-6, "2.50 us" }, { "time", 999.6e-6, "1.00 ms" }, { "time", 7e-9, "7.00 ns" },
  { "time", 0, "0.00 s" }, { "rate", 25000, "25.0k/s" }, { "rate", 995, "995/s" },
  { "rate", 0.5, "0.5/s" }, { "rate", 100, "100/s" }, { "rate", 2e6, "2.00M/s" },
  { "rate", 5000, "5,000/s" }, { "count", 1234567, "1,234,567" }, { "count", 999, "999" },
  { "count", 100000, "100,000" }, { "count", 0, "0" }, { "bytes", 3000, "3.00 kB" },
  { "span", 0.5, "500 ms" }, { "span", 90, "90 s" },
}
for _, row in ipairs(numbers) do
  test(("%s %s reads %s"):format(row[1], row[2], row[3]), function()
    equal(format[row[1]](row[2]), row[3])
  end)
end

test("shares keep two significant figures however small", function()
  equal(format.share(1, 3), "33.3 %")
  equal(format.share(1, 100000), "0.001 %")
  equal(format.share(0, 5), "0 %")
  equal(format.share(99999, 100000), "99.999 %")
  equal(format.share(1, 0), "-")
  equal(format.share(1, 3000), "0.033 %")
  equal(format.share(2, 2999), "0.067 %")
end)

test("a share of one in 300 million is not '0. %', nor is all but one '1 %'", function()
  equal(format.share(1, 3e8), "0.00000033 %")
  equal(format.share(3e8 - 1, 3e8), "99.99999967 %")
  equal(format.share(1.2, 1), "120.0 %")
end)

return t.finish()
