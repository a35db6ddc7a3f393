--- Fails where a file, a function or a line is larger than the limits.
--   tspam limits.lua [ROOT]        ROOT: the source tree, else from TSPAM_SOURCE
-- Functions are found by the layout that clang-format gives: in C a brace in the first
-- column opens and closes one; in Lua and shell an `end` or brace as far in as its head.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local files = require "files"

local root = arg[1] or os.getenv("TSPAM_SOURCE") or "."

local WIDTH, LENGTH, NESTING, PARAMETERS = 100, 60, 3, 6

-- extension, folders, most lines
local sizes = {
  { "c", { "src", "tests" }, 400 },
  { "h", { "src", "tests" }, 120 },
  { "def", { "src" }, 120 },
  { "lua", { "lua", "tests" }, 250 },
  { "lua", { "scripts" }, 80 },
  { "sh", { "tests" }, 250 },
  { "cmake", { "src", "cmake", "tests" }, 120 },
}

local breaches, lengths = {}, {}

local function breach(path, number, message, ...)
  breaches[#breaches + 1] = ("%s:%d: "):format(path, number) .. message:format(...)
end

local function check_length(path, from, to)
  local length = to - from + 1
  lengths[#lengths + 1] = length
  if length > LENGTH then
    breach(path, from, "function of %d lines, limit %d", length, LENGTH)
  end
end

-- The signature above the brace in line `at`, in one line.
local function signature(lines, at)
  local text, i = "", at - 1
  while i > 0 and lines[i] ~= "" and not lines[i]:find("^[};#]") do
    text = lines[i] .. " " .. text
    i = i - 1
  end
  return text
end

local function count_parameters(text)
  local list = text:match("%b()%s*$") or "()"
  list = list:match("^%((.*)%)%s*$"):gsub("%b()", "")
  local _, commas = list:gsub(",", "")
  return list:find("%S") and list ~= "void" and commas + 1 or 0
end

-- How many conditions and loops the deepest statement stands in.
local function check_nesting(path, lines, from, to)
  for i = from, to do
    local indent, word = lines[i]:match("^( +)(%l+)")
    local opens = word == "if" or word == "for" or word == "while" or word == "switch"
      or word == "do"
    if opens and #indent // 4 > NESTING then
      breach(path, i, "%d levels of nesting, limit %d", #indent // 4, NESTING)
    end
  end
end

local function check_c(path, lines)
  local opened
  for i, line in ipairs(lines) do
    if line == "{" then
      opened = i
      local n = count_parameters(signature(lines, i))
      if n > PARAMETERS then
        breach(path, i - 1, "%d parameters, limit %d", n, PARAMETERS)
      end
    elseif opened and line:find("^}") then
      check_length(path, opened, i)
      check_nesting(path, lines, opened, i)
      opened = nil
    end
  end
end

-- Where the block that opens in line `from`, `indent` spaces in, has its closing word.
local function closing(lines, from, indent, word)
  for i = from + 1, #lines do
    if lines[i]:match("^( *)" .. word) == indent then
      return i
    end
  end
  return from
end

local function check_lua(path, lines)
  for i, line in ipairs(lines) do
    local indent = line:match("^( *)[^-]*%f[%w]function%f[^%w][^%)]*%)%s*$")
    if indent then
      check_length(path, i, closing(lines, i, indent, "end"))
    end
  end
end

local function check_shell(path, lines)
  for i, line in ipairs(lines) do
    if line:find("^[%w_]+%(%) {$") then
      check_length(path, i, closing(lines, i, "", "}"))
    end
  end
end

local checks = { c = check_c, lua = check_lua, sh = check_shell }

local function check_file(path, extension, most)
  local lines = files.lines(root .. "/" .. path)
  if #lines > most then
    breach(path, #lines, "file of %d lines, limit %d", #lines, most)
  end
  for i, line in ipairs(lines) do
    local width = utf8.len(line) or #line
    if width > WIDTH then
      breach(path, i, "line of %d columns, limit %d", width, WIDTH)
    elseif line:find("%s$") or line:find("\t") then
      breach(path, i, "tab, or blanks at the end")
    end
  end
  if checks[extension] then
    checks[extension](path, lines)
  end
end

local seen = 0
for _, row in ipairs(sizes) do
  local extension, folders, most = table.unpack(row)
  for _, path in ipairs(files.list(root, folders, extension)) do
    seen = seen + 1
    check_file(path, extension, most)
  end
end

assert(#lengths > 0, "no function found under " .. root)
table.sort(lengths)
local median, p90 = lengths[(#lengths + 1) // 2], lengths[(#lengths * 9 + 9) // 10]
print(("%d files, %d functions: median %d lines, p90 %d, longest %d"):format(
  seen, #lengths, median, p90, lengths[#lengths]))
if #breaches > 0 then
  error(#breaches .. " limits broken\n" .. table.concat(breaches, "\n"), 0)
end
