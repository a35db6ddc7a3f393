--- A result in one of the formats: report(result [, "text" | "json" [, out]]).
-- A format is a module tspam.report.<name> that returns one function
-- (result, out): result is what tspam.run returned, out has a write method.

return function(result, format, out)
  local name = "tspam.report." .. (format or "text")
  local found, write = pcall(require, name)
  if not found and not write:find("module '" .. name .. "' not found", 1, true) then
    error(write, 0) -- it is there, and is no Lua
  elseif not found then
    error(("report: no format '%s' (no module %s)"):format(format, name), 2)
  end
  write(result, out or io.stdout)
end
