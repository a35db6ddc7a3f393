--- Progress on stderr: one line that is written over on a terminal, one plain
-- line a second otherwise.
--
--   local progress = require("tspam.progress").new { label = "rate 5,000/s" }
--   progress:update(interval)   -- what on_interval hands over
--   progress:waiting("the target to accept again", 40, 300)
--   progress:clear()            -- before anything else is written to stderr

local tspam = require "tspam"
local format = require "tspam.format"

local Progress = {}
Progress.__index = Progress

local RED <const>, PLAIN <const> = "\27[31m", "\27[0m"
--- Seconds between two plain lines of one wait.
local WAIT_STEP <const> = 5

local function environment(name)
  local value = os.getenv(name)
  return value and value ~= "" and value
end

--- Options: label, quiet, out (io.stderr), terminal and columns (found out),
-- colour (by terminal and NO_COLOR).
local function new(options)
  local terminal, columns = options.terminal, options.columns
  if terminal == nil then
    terminal, columns = tspam.terminal(2)
    terminal = terminal and environment("TERM") ~= "dumb"
  end
  local colour = options.colour
  if colour == nil then
    colour = terminal and not environment("NO_COLOR")
  end
  return setmetatable({
    label = options.label or "", quiet = options.quiet, out = options.out or io.stderr,
    terminal = terminal, columns = columns or 80, colour = colour,
    since = 0, started = 0, ok = 0, failed = 0, told = 0,
  }, Progress)
end

local function line(self, figures)
  local span = figures.time - self.since
  return ("%s  %s  opened %s  ok %s  failed %s  open %s  p50 %s  p99 %s"):format(
    self.label, format.time(figures.time), format.rate(span > 0 and self.started / span or 0),
    format.count(self.ok), format.count(self.failed), format.count(figures.open),
    format.time(figures.p50), format.time(figures.p99))
end

-- Takes the place of the line on a terminal; else a line of its own.
local function show(self, text)
  if self.terminal then
    self.out:write("\r", text, "\27[K")
    self.shown = true
  else
    self.out:write(text, "\n")
  end
  self.out:flush()
end

--- What a run has done in the interval that just ended.
function Progress:update(figures)
  for _, name in ipairs { "started", "ok", "failed" } do
    self[name] = self[name] + figures[name]
  end
  if self.quiet or not self.terminal and figures.time - self.since < 0.9 then
    return
  end
  local text = line(self, figures)
  if self.terminal then
    text = text:sub(1, self.columns - 1)
    if self.colour and self.failed > 0 then
      text = text:gsub("failed %S+", RED .. "%0" .. PLAIN)
    end
  end
  show(self, text)
  self.since, self.started, self.ok, self.failed = figures.time, 0, 0, 0
end

--- What is waited for, for how many seconds so far, and how many at most (nil: no
-- bound is known). Call it often: a plain stream gets a line every 5 s of a wait.
function Progress:waiting(what, waited, most)
  if what ~= self.what or waited < self.told then
    self.what, self.told = what, 0
  end
  if self.quiet or not self.terminal and waited - self.told < WAIT_STEP then
    return
  end
  local bound = most and (" of at most %s"):format(format.span(most)) or ""
  local text = ("waiting for %s, %d s%s"):format(what, waited // 1, bound)
  show(self, self.terminal and text:sub(1, self.columns - 1) or text)
  self.told = waited
end

--- Takes the line off a terminal; plain lines stay.
function Progress:clear()
  if self.shown then
    self.out:write("\r\27[K")
    self.out:flush()
    self.shown = false
  end
end

return { new = new }
