--- What server.lua does: start, say where, complain at most once a second, report.

local tspam = require "tspam"
local document = require "tspam.document"
local format = require "tspam.format"
local json = require "tspam.json"
local quit = require "tspam.quit"
local sink = require "tspam.sink"

local serving = {}

local FIELDS <const> = {
  "port", "content", "acceptors", "backlog", "idle_timeout", "total_timeout", "max_open",
  "max_request", "report_peer",
}
local COUNTS <const> = {
  "accepted", "answered", "failed", "shed", "open", "accept_errors", "bytes_received", "bytes_sent",
}

local function say(options, text, ...)
  if not options.quiet then
    io.stderr:write("server: ", text:format(...), "\n")
  end
end

local function addresses(server)
  return { server:address() }
end

--- Starts what the options ask for and says where it listens; or ends the script
-- with one line and status 1.
function serving.open(options)
  local spec = { listen = options.listen[1] and options.listen or nil }
  for _, name in ipairs(FIELDS) do
    spec[name] = options[name]
  end
  if options.json then
    json.need()
    sink.check(options.json)
  end
  local server, message = tspam.server(spec)
  if not server then
    quit(1, message)
  end
  say(options, "listening on %s", table.concat(addresses(server), ", "))
  return server
end

--- Says what went wrong since the last call; nothing where nothing did. before:
-- what this function returned last time.
function serving.complain(server, options, before)
  local stats = server:stats()
  before = before or { accept_errors = 0, shed = 0 }
  local refused, shed = stats.accept_errors - before.accept_errors, stats.shed - before.shed
  if refused > 0 or shed > 0 then
    say(options, "short of descriptors: accept failed %s, %s shed, %s open",
      format.plural(refused, "time"), format.plural(shed, "connection"), format.count(stats.open))
  end
  return stats
end

local function text(stats)
  local lines = {}
  for _, name in ipairs(COUNTS) do
    local value = name:find("^bytes") and format.bytes(stats[name]) or format.count(stats[name])
    lines[#lines + 1] = ("%-17s %12s\n"):format(name:gsub("_", " "), value)
  end
  local causes = {}
  for cause in pairs(stats.failures) do
    causes[#causes + 1] = cause
  end
  table.sort(causes)
  for _, cause in ipairs(causes) do
    lines[#lines + 1] = ("  %-15s %12s\n"):format(cause, format.count(stats.failures[cause]))
  end
  return table.concat(lines)
end

--- The final report on stdout, as text or JSON.
function serving.report(server, options)
  local stats = server:stats()
  if options.json then
    sink.save(options.json, json.encode(json.object {
      { "schema", "tspam.server/1" }, { "version", tspam.version },
      { "listen", json.list(addresses(server)) }, { "stats", document.stats(stats) },
    }))
  end
  if options.json ~= "-" then
    sink.write(io.stdout, "stdout", text(stats))
  end
  sink.flush(io.stdout, "stdout")
end

return serving
