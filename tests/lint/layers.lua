--- Reads every #include line under src and fails on a breach of the layers.
--   tspam layers.lua [ROOT]        ROOT: the source tree, else from TSPAM_SOURCE
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local files = require "files"

local root = arg[1] or os.getenv("TSPAM_SOURCE") or "."

-- Which of our folders a folder may include from, itself aside.
local may_use = {
  base = {},
  measure = { "base" },
  load = { "base" },
  net = { "base" },
  sys = { "base" },
  client = { "base", "measure", "load", "net", "sys" },
  server = { "base", "measure", "net", "sys" },
  bind = { "base", "measure", "load", "net", "sys", "client", "server" },
  main = { "bind" },
}

-- System headers, by what they stand for.
local kinds = {
  libev = { "ev%.h" },
  lua = { "lua%.h", "lauxlib%.h", "lualib%.h" },
  threads = { "pthread%.h", "threads%.h" },
  sockets = { "sys/.*", "netinet/.*", "arpa/.*", "netdb%.h", "net/.*", "linux/.*", "poll%.h" },
  system = { "unistd%.h", "fcntl%.h", "signal%.h", "sched%.h", "dirent%.h" },
  clock = { "time%.h" },
  zlib = { "zlib%.h" },
  libmd = { "sha%d*%.h" },
}

-- What a folder must not touch.
local must_not = {
  base = { "libev", "lua", "threads", "zlib", "libmd" },
  measure = { "libev", "lua", "threads", "sockets", "system", "clock", "libmd" },
  load = { "libev", "lua", "threads", "sockets", "system", "clock", "zlib", "libmd" },
  net = { "lua", "threads", "zlib" },
  sys = { "libev", "lua", "threads", "zlib", "libmd" },
  client = { "lua", "zlib", "libmd" },
  server = { "lua", "zlib", "libmd" },
  bind = { "libev", "threads", "sockets", "system", "clock", "zlib", "libmd" },
  main = { "libev", "threads", "sockets", "system", "clock", "zlib", "libmd" },
}

-- The pure layers get time as an argument.
local no_clock = { measure = true, load = true }

local breaches, includes, sources = {}, 0, 0

local function breach(path, number, message, ...)
  breaches[#breaches + 1] = ("%s:%d: "):format(path, number) .. message:format(...)
end

local function contains(list, value)
  for _, v in ipairs(list) do
    if v == value then
      return true
    end
  end
  return false
end

local function kind_of(header)
  for kind, patterns in pairs(kinds) do
    for _, pattern in ipairs(patterns) do
      if header:match("^" .. pattern .. "$") then
        return kind
      end
    end
  end
  return nil
end

local function check_own(path, number, layer, header)
  local used = header:match("^(%w+)/[%w_]+%.%w+$")
  if not used then
    breach(path, number, '"%s" is not of the form "layer/file.h"', header)
  elseif used ~= layer and not contains(may_use[layer], used) then
    breach(path, number, "%s must not include from %s", layer, used)
  elseif header == "base/clock.h" and no_clock[layer] then
    breach(path, number, "%s must not read the clock", layer)
  end
end

local function check_system(path, number, layer, header)
  local kind = kind_of(header)
  if kind and contains(must_not[layer], kind) then
    breach(path, number, "%s must not include <%s> (%s)", layer, header, kind)
  end
end

local function check_file(path)
  local layer = path:match("^src/(%w+)/") or "main"
  sources = sources + 1
  if not may_use[layer] then
    breach(path, 1, "folder %s is not in the table of layers", layer)
    return
  end
  for number, line in ipairs(files.lines(root .. "/" .. path)) do
    local own = line:match('^%s*#%s*include%s+"(.-)"')
    local system = line:match("^%s*#%s*include%s+<(.-)>")
    if own then
      check_own(path, number, layer, own)
    elseif system then
      check_system(path, number, layer, system)
    end
    includes = includes + ((own or system) and 1 or 0)
  end
end

for _, extension in ipairs { "c", "h" } do
  for _, path in ipairs(files.list(root, { "src" }, extension)) do
    check_file(path)
  end
end

assert(includes > 0, "no #include line found under " .. root .. "/src")
print(("%d includes in %d files"):format(includes, sources))
if #breaches > 0 then
  error(#breaches .. " breaches of the layers\n" .. table.concat(breaches, "\n"), 0)
end
