-- What a run with nat = true tells, and how the text report says it.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local fixture = require "fixture"
local report = require "tspam.report"
local test, equal, contains = t.test, t.equal, t.contains

local function new_server(fields)
  fields.listen, fields.port = "127.0.0.1", 0
  return assert(tspam.server(fields))
end

local function text_of(changes)
  local out = t.buffer()
  report(fixture.result(changes), "text", out)
  return out.text
end

test("with nat the result says that loopback does not translate", function()
  local server <close> = new_server { report_peer = true }
  local r = assert(tspam.run { port = server.port, rate = 200, count = 20, nat = true })
  equal(r.ok, 20)
  equal(r.nat.reported, 20)
  equal(r.nat.translated, false)
  equal(table.concat(r.nat.outside_addresses, " "), "127.0.0.1")
  equal(r.nat.outside_count, 1)
  for _, name in ipairs { "unreported", "collisions", "reused", "unlisted", "uncompared" } do
    equal(r.nat[name], 0)
  end
end)

test("with nat and a server that reports no peer nothing is known", function()
  local server <close> = new_server { content = "pong" }
  local r = assert(tspam.run { port = server.port, rate = 200, count = 20, nat = true })
  equal(r.nat.unreported, 20)
  equal(r.nat.reported, 0)
  equal(r.nat.translated, nil)
  equal(#r.nat.outside_addresses, 0)
end)

test("of many outside addresses the text names four and counts the others", function()
  contains(text_of { nat = { outside_addresses = { "a", "b", "c", "d" } } }, "addresses a b c d\n")
  contains(text_of { nat = { outside_addresses = { "a", "b", "c", "d", "e", "f" } } },
    "outside addresses a b c d and 2 more\n")
end)

test("a server that does not report peers is said in a sentence", function()
  contains(text_of { nat = { reported = 0, unreported = 9900 } },
    "\nThe server does not report peers: start it with --report-peer "
    .. "(9,900 connections without a report).\n")
  contains(text_of { nat = { reported = 9899, unreported = 1 } },
    "\nNot every server reports peers: start each with --report-peer "
    .. "(1 connection without a report).\n")
end)

test("what nat could not keep is said, and nothing where it kept all", function()
  contains(text_of { nat = { reported = 5, unlisted = 3 } },
    "The list of outside addresses is not complete: 3 connections had others.\n")
  contains(text_of { nat = { reported = 5, uncompared = 3 } },
    "Collisions and reuse were counted for the first connections only, without 3 connections.\n")
  local text = text_of { nat = { reported = 5, unreported = 0, unlisted = 0, uncompared = 0 } }
  contains(text, "nat               reported 5\n")
  assert(not text:find("report%-peer") and not text:find("left out"), text)
end)

return t.finish()
