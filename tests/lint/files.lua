--- The project's own files, for the lint scripts: files.list(root, { "src", … }, ext)
-- gives the paths below root that end in ext, sorted; files.lines(path) the lines of one.
local files = {}

function files.list(root, folders, extension)
  local command = ("cd '%s' && find %s -type f -name '*.%s' ! -name '.*'"):format(
    root, table.concat(folders, " "), extension)
  local found = {}
  local pipe = assert(io.popen(command))
  for path in pipe:lines() do
    found[#found + 1] = path
  end
  pipe:close()
  table.sort(found)
  return found
end

function files.lines(path)
  local lines = {}
  for line in io.lines(path) do
    lines[#lines + 1] = line
  end
  return lines
end

return files
