--- Words for a shell.

local shell = {}

--- text as one word that any POSIX shell reads as it is.
function shell.quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

return shell
