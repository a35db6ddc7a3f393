--- What server.lua does: start, say where, complain at most once a second, report.

local tspam = require "tspam"
local to_json = require "tspam.to_json"
local format = require "tspam.format"
local json = require "tspam.json"
local exit = require "tspam.exit"
local output = require "tspam.output"

local Service = {}
Service.__index = Service

local FIELDS <const> = {
  "port", "content", "acceptors", "backlog", "idle_timeout", "total_timeout", "max_open",
  "max_request", "report_peer", "coalesce_fin",
}
local COUNTS <const> = {
  "accepted", "answered", "failed", "shed", "open", "accept_errors", "bytes_received", "bytes_sent",
}

function Service:say(text, ...)
  if not self.options.quiet then
    io.stderr:write("server: ", text:format(...), "\n")
  end
end

local function addresses(server)
  local list = {}
  repeat
    list[#list + 1] = server:address(#list + 1)
  until not server:address(#list + 1)
  return list
end

--- Starts what the options ask for and says where it listens; or ends the script
-- with one line and status 1.
local function open(options)
  local spec = { listen = options.listen[1] and options.listen or nil }
  for _, name in ipairs(FIELDS) do
    spec[name] = options[name]
  end
  to_json.check(options.json)
  local server, message = tspam.server(spec)
  if not server then
    exit(1, message)
  end
  local self = setmetatable({
    options = options, server = server, listen = addresses(server), seen = server:stats(),
  }, Service)
  self:say("listening on %s, at most %s at once", table.concat(self.listen, ", "),
    format.plural(self.seen.max_open, "connection"))
  return self
end

--- Waits a second. -> true when a signal has come
function Service:wait()
  return self.server:wait(1)
end

local function ran_short(refused, shed, open)
  local words = {}
  if refused > 0 then
    words[1] = ("accept failed %s for want of descriptors or memory"):format(
      format.plural(refused, "time"))
  end
  if shed > 0 then
    words[#words + 1] = ("%s reset to make room"):format(format.plural(shed, "connection"))
  end
  return ("%s; %s open"):format(table.concat(words, ", "), format.count(open))
end

--- Says what ran short since the last call; nothing where nothing did.
function Service:complain()
  local stats = self.server:stats()
  local refused = stats.accept_errors - self.seen.accept_errors
  local shed = stats.shed - self.seen.shed
  self.seen = stats
  if refused > 0 or shed > 0 then
    self:say("%s", ran_short(refused, shed, stats.open))
  end
end

local function text(stats)
  local lines, width = {}, format.name_width(stats.failures)
  local function add(name, value)
    lines[#lines + 1] = format.row(width, name, ("%12s"):format(value))
  end
  for _, name in ipairs(COUNTS) do
    local bytes = name:find("^bytes")
    add(name:gsub("_", " "), (bytes and format.bytes or format.count)(stats[name]))
  end
  local causes = {}
  for cause in pairs(stats.failures) do
    causes[#causes + 1] = cause
  end
  table.sort(causes)
  for _, cause in ipairs(causes) do
    add("  " .. cause, format.count(stats.failures[cause]))
  end
  return table.concat(lines)
end

--- Stops the server; the final report goes to stdout, as text or JSON.
function Service:finish()
  self.server:stop()
  local stats = self.server:stats()
  if self.options.json ~= "-" then
    output.write(io.stdout, "stdout", text(stats))
  end
  if self.options.json then
    to_json.save(self.options.json, "tspam.server/1", {
      { "listen", json.list(self.listen) }, { "stats", json.plain(stats) },
    })
  end
  output.flush(io.stdout, "stdout")
end

function Service:__close()
  self.server:stop()
end

return { open = open }
