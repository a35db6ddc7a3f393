--- Modules beside a script take the place of those inside tspam, for that script:
-- what `tspam --copy NAME --with-modules` makes of a shipped script calls this first.
--
--   require("tspam.own_modules")()   -- tspam/format.lua beside this file is tspam.format

-- The folder of the file that called the caller, with its "/".
local function folder()
  return debug.getinfo(3, "S").source:match("^@(.*/)") or "./"
end

local function searcher(path)
  return function(name)
    local file, problem = package.searchpath(name, path)
    if not file then
      return problem
    end
    local chunk, message = loadfile(file)
    return chunk or error(message, 0), file
  end
end

return function()
  local dir = folder()
  local path = ("%s?.lua;%s?/init.lua"):format(dir, dir)
  table.insert(package.searchers, 2, searcher(path))
  -- The command line has loaded some already: they are looked for anew.
  for name in pairs(package.loaded) do
    if name:find("^tspam%.") and package.searchpath(name, path) then
      package.loaded[name] = nil
    end
  end
end
