-- lua/README.md is complete and true: every function, field, default and range; its
-- examples run.
package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local t = require "harness"
local test, equal = t.test, t.equal

local ROOT <const> = os.getenv("TSPAM_SOURCE") or arg[0]:match("^(.-)[^/]*$") .. "../.."

local function read(path)
  local file <close> = assert(io.open(ROOT .. "/" .. path))
  return file:read("a")
end

local REFERENCE <const> = read("lua/README.md")

-- The text below a heading, up to the next one.
local function section(title)
  local _, from = REFERENCE:find("\n## " .. title .. "\n", 1, true)
  assert(from, "no section " .. title)
  return REFERENCE:sub(from, (REFERENCE:find("\n## ", from, true)))
end

local function says(part, name)
  assert(section(part):find("`" .. name .. "`", 1, true), name .. " is not in: " .. part)
end

local FIELD <const> = '{"([%w_]+)",%s+TSP_FIELD_(%u+),%s+[^,]+,%s+(%g+),'

-- { {name, kind, preset}, … } of a table of fields in C.
local function fields_of(path)
  local list = {}
  for name, kind, preset in read(path):gmatch(FIELD) do
    list[#list + 1] = { name = name, kind = kind, preset = preset:match('^"(.*)"$') }
  end
  assert(#list > 2, "no fields in " .. path)
  return list
end

-- name -> { default, range } of the rows of four columns.
local function rows_of(part)
  local rows, row = {}, "\n| `([%w_]+)` | ([^|]*) | ([^|]*) | [^|]* |"
  for name, default, range in section(part):gmatch(row) do
    rows[name] = { default = default, range = (range:gsub("`", "")) }
  end
  return rows
end

-- What a value that is wrong is told to be: "1 ms .. 10000 s", "boolean".
local function wanted(call, name)
  local _, message = pcall(call, { [name] = -1, rate = name == "rate" and -1 or nil })
  message = tostring(message)
  return message:match(": must be (.*), got %-1") or message:match("': (.*) expected, got number")
    or error(message)
end

for _, row in ipairs {
  { "tspam.run", "src/client/spec.c", tspam.run },
  { "tspam.server", "src/server/spec.c", tspam.server },
} do
  local part, path, call = table.unpack(row)
  local described, known = rows_of(part), {}
  for _, field in ipairs(fields_of(path)) do
    known[field.name] = true
    test(("%s: %s is there with its default and range"):format(part, field.name), function()
      local told = assert(described[field.name], "no row")
      local range = wanted(call, field.name)
      assert(told.range:find(range, 1, true), ("'%s', wanted '%s'"):format(told.range, range))
      if field.preset then
        assert(told.default:find(field.preset, 1, true), told.default)
      elseif field.kind == "BOOL" then
        equal(told.default, "`false`")
      end
    end)
  end
  test(part .. ": no field is described that does not exist", function()
    for name in pairs(described) do
      assert(known[name], name)
    end
  end)
end

test("the fields of a stage are those of C", function()
  for _, field in ipairs(fields_of("src/bind/lua_fields.c")) do
    says("tspam.run", field.name)
  end
end)

-- Names that C gives to what it pushes, in the functions of a file that match.
-- (How a spec is pushed back goes by its table of fields: that part is left out.)
local function pushed(path, pattern)
  local names, source = {}, read(path):gsub("/%* %-%-%-%- spec.*", "")
  local body_of = "\n[^\n]-%f[%w_]" .. pattern .. "%([^\n]*\n{\n(.-)\n}\n"
  for body in source:gmatch(body_of) do
    for name in body:gmatch('set_%l+%(L, "([%w_]+)"') do
      names[#names + 1] = name
    end
    for name in body:gmatch('lua_setfield%(L, %-[23], "([%w_]+)"') do
      names[#names + 1] = name
    end
  end
  assert(#names > 0, "nothing pushed by " .. pattern)
  return names
end

for _, row in ipairs {
  { "src/bind/lua_result.c", "tsp_lua_push_interval", "Intervals" },
  { "src/bind/lua_result.c", "tsp_lua_push_findings", "tspam.doctor and findings" },
  { "src/bind/lua_result.c", "push_%l+", "The result" },
  { "src/bind/lua_result.c", "push_first_failure", "The result" },
  { "src/bind/lua_result.c", "tsp_lua_push_result", "The result" },
  { "src/bind/lua_run.c", "add_spec_and_label", "The result" },
  { "src/bind/lua_server.c", "server_stats", "tspam.server" },
  { "src/bind/lua_sys.c", "sys_usage", "The rest of tspam" },
  { "src/bind/lua_sys.c", "sys_machine", "The rest of tspam" },
  { "src/bind/lua_run.c", "put_in_force", "The result" },
  { "src/bind/lua_lib.c", "add_versions", "The rest of tspam" },
  { "src/bind/lua_lib.c", "lib_modules", "The rest of tspam" },
} do
  test(("what %s of %s pushes is described"):format(row[2], row[1]), function()
    for _, name in ipairs(pushed(row[1], row[2])) do
      says(row[3], name:gsub("^versions?$", "tspam.%0"))
    end
  end)
end

test("the phases, causes and steps of C are named", function()
  for path, pattern in pairs {
    ["src/measure/phases.def"] = '\nX%([%u_]+,%s+"([%w_-]+)"',
    ["src/measure/outcomes.def"] = '\nX%([%u_]+,%s+"([%w_-]+)"',
    ["src/measure/outcome.c"] = '%[TSP_STEP_%u+%] = "(%l+)"',
  } do
    local names = 0
    for name in read(path):gmatch(pattern) do
      names = names + 1
      if name ~= "ok" then
        says("The result", name)
      end
    end
    assert(names > 3, path) -- else they are written in another way
  end
end)

-- A call of the object in a row's first column: `h:record(seconds [, n])`.
local function describes_call(part, call)
  assert(section(part):find("\n|[^|]*`" .. call:gsub("%p", "%%%0") .. "[`%(]"), call)
end

test("every function and value of tspam is there", function()
  local elsewhere = { run = true, start = true, server = true, doctor = true, histogram = true }
  for name, value in pairs(tspam) do
    if elsewhere[name] then
      assert(REFERENCE:find("\n## [^\n]*tspam%." .. name) or name == "histogram", name)
    elseif type(value) ~= "table" or name == "versions" then
      describes_call("The rest of tspam", "tspam." .. name)
    end
  end
  for name in pairs(tspam.units) do
    describes_call("The rest of tspam", "tspam.units." .. name)
  end
  for name in pairs(tspam.histogram) do
    describes_call("Histograms", "tspam.histogram." .. name)
  end
end)

for _, row in ipairs {
  { "src/bind/lua_hist.c", "Histograms", "h:" },
  { "src/bind/lua_run.c", "tspam.start", "handle:" },
  { "src/bind/lua_server.c", "tspam.server", "server:" },
} do
  local path, part, object = table.unpack(row)
  test("the methods of " .. object .. " are described, and no others", function()
    local known = {}
    local list = read(path):match("luaL_Reg methods%[%] = {(.-)\n};")
    for name in list:gmatch('{"([%w_]+)"') do
      known[name] = true
      assert(section(part):find("`" .. object .. name .. "(", 1, true), name)
    end
    for name in REFERENCE:gmatch("`" .. object .. "([%w_]+)%(") do
      assert(known[name], name)
    end
  end)
end

local count = 0
for title, code in REFERENCE:gmatch("\n## ([^\n]+)\n.-```lua\n(.-)```") do
  count = count + 1
  test("the example of '" .. title .. "' runs", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(code)
    file:close()
    local status, _, err = t.shell("'" .. tspam.executable .. "' " .. path)
    os.remove(path)
    equal(err, "")
    equal(status, 0)
  end)
end

test("every section has its example, and there is no other", function()
  local _, sections = REFERENCE:gsub("\n## ", "")
  local _, examples = REFERENCE:gsub("\n```lua\n", "")
  equal(count, sections)
  equal(examples, sections)
end)

test("the links within the reference lead somewhere", function()
  local anchors = {}
  for title in REFERENCE:gmatch("\n## ([^\n]+)") do
    anchors[title:lower():gsub("[^%w ]", ""):gsub(" ", "-")] = true
  end
  local links = 0
  for anchor in REFERENCE:gmatch("%]%(#([%w-]+)%)") do
    links = links + 1
    assert(anchors[anchor], anchor)
  end
  assert(links > 0, "there are none")
end)

return t.finish()
