--- Command lines of scripts, on the Debian package argparse.
--
--   local options = cli.parse {
--     name = "rate", about = "One sentence.",
--     groups = { "target", "payload", "sources", "run", "output" },
--     overrides = { timeout = { help = "for a whole exchange", default = "0.9" } },
--     { "-r --rate", "rate", "connections per second", many = true, default = "1k" },
--   }
--
-- overrides: what is different about shared rows, by their names in the result.
-- Own rows look like those in tspam.cli.groups. The result holds each option by
-- its long name, dashes as underscores (or by the row's `as`): numbers converted,
-- `many` as lists, nil where not given. Wrong usage ends the script by
-- tspam.exit: one line, status 2. --help prints the help and ends it with 0.

local groups = require "tspam.cli.groups"
local nearest = require "tspam.nearest"
local exit = require "tspam.exit"
local types = require "tspam.cli.types"

local cli = {}

local function load_argparse()
  local found, argparse = pcall(require, "argparse")
  if not found then
    exit(1, "the Lua package argparse is missing: apt-get install lua-argparse")
  end
  return argparse
end

local function long_name(names)
  return names:match("%-%-%S+") or names
end

local function result_name(row)
  return row.as or (long_name(row[1]):gsub("^%-+", ""):gsub("%-", "_"))
end

-- The converter of a row, its complaint completed by option and value.
local function converter(row)
  local long = long_name(row[1])
  local kind = setmetatable({ long = long }, { __index = row })
  local convert = types[row[2]](kind)
  return function(text)
    local value, wanted = convert(text)
    if value == nil then
      return nil, ("option '%s': %s, got '%s'"):format(long, wanted, text)
    end
    return value
  end
end

-- "-r, --rate <rate>" on one line of the help; argparse would take a line for each
-- name. (A method that argparse does not document: without it the help is longer.)
local function label(option, row, value)
  local text = row[1]:gsub(" ", ", ") .. value
  function option._get_label_lines()
    return { text }
  end
end

local function declare(parser, row)
  if row[2] == "flag" then
    return parser:flag(row[1], row.help or row[3]):target(result_name(row))
  end
  local value = "<" .. (row.argname or row[2]):lower() .. ">"
  local option = parser:option(row[1], row.help or row[3]):target(result_name(row))
  option:convert(converter(row)):argname(value)
  label(option, row, " " .. value)
  if row.many then
    option:count("*")
  elseif row.default then
    option:default(row.default)
  end
  return option
end

-- A shared row with what the script says of it.
local function special(spec, row)
  local changes = (spec.overrides or {})[result_name(row)]
  if not changes and row[2] == "requirement" then
    changes = { metrics = spec.metrics }
  end
  return changes and setmetatable(changes, { __index = row }) or row
end

-- Rows in the order of the help, each with the title it stands under.
local function rows_of(spec)
  local rows = {}
  for _, row in ipairs(spec) do
    rows[#rows + 1] = { title = "Options", row = row }
  end
  for _, name in ipairs(spec.groups or {}) do
    for _, row in ipairs(groups[name]) do
      rows[#rows + 1] = { title = groups[name].title, row = special(spec, row) }
    end
  end
  return rows
end

local function declare_all(parser, spec)
  local names, sections, order = { "--help" }, {}, {}
  for _, entry in ipairs(rows_of(spec)) do
    if not sections[entry.title] then
      sections[entry.title] = {}
      order[#order + 1] = entry.title
    end
    table.insert(sections[entry.title], declare(parser, entry.row))
    names[#names + 1] = long_name(entry.row[1])
  end
  for _, title in ipairs(order) do
    parser:group(title, table.unpack(sections[title]))
  end
  return names
end

-- argparse's message as one line; what we know of mistyped names beats its tips.
local function usage_error(name, message, names)
  local line = message:match("^[^\n]*")
  local unknown = line:match("^unknown option '([^']+)'$")
  if unknown then
    local near = #unknown > 2 and nearest(unknown, names)
    line = near and ("%s: did you mean '%s'?"):format(line, near)
      or ("%s: see tspam %s --help"):format(line, name)
  end
  exit(2, line)
end

-- "-r -5" is a negative rate, not an option called -5.
local function join_negative_numbers(args)
  local joined = {}
  for _, word in ipairs(args) do
    local before = joined[#joined]
    local number = word:find("^%-%.?%d") and word ~= "-4" and word ~= "-6"
    if number and before and before:find("^%-%-.") and not before:find("=", 1, true) then
      joined[#joined] = before .. "=" .. word
    elseif number and before and before:find("^%-%a$") then
      joined[#joined] = before .. word
    else
      joined[#joined + 1] = word
    end
  end
  return joined
end

local function refuse_contradictions(options)
  if options.ipv4 and options.ipv6 then
    exit(2, "options '-4' and '-6' cannot be used together")
  elseif options.extra and options.extra[1] then
    exit(2, ("unexpected argument '%s': options begin with '-'"):format(options.extra[1]))
  end
  options.extra = nil
end

--- Parses args (default: the script's own). See the top of this file.
function cli.parse(spec, args)
  local parser = load_argparse()(spec.name, spec.about)
  parser:usage(("Usage: tspam %s [options]"):format(spec.name))
  parser:add_help(false):help_max_width(100):help_description_margin(30):usage_max_width(100)
  parser:argument("extra"):args("*"):hidden(true)
  local names = declare_all(parser, spec)
  parser:flag("-h --help", "print this and stop"):action(function()
    io.stdout:write(parser:get_help(), "\n")
    exit(0)
  end)
  parser.error = function(_, message)
    usage_error(spec.name, message, names)
  end
  local options = parser:parse(join_negative_numbers(args or arg))
  refuse_contradictions(options)
  options.name = spec.name
  return options
end

--- The fields of tspam.run among the options: what was given in groups that
-- describe a run. A new table each time.
function cli.run_fields(options)
  local fields = {}
  for _, group in pairs(groups) do
    for _, row in ipairs(group.run and group or {}) do
      local name = result_name(row)
      local value = options[name]
      if name ~= "ipv4" and name ~= "ipv6" and not (row.many and value and not value[1]) then
        fields[name] = value
      end
    end
  end
  return fields
end

return cli
