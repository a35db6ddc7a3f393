--- Small plots for a terminal. plot(points, options) -> lines; none where there is
-- nothing to see: fewer than two points, or all at one x.
-- points: {x, y, mark}, no y below 0. mark is a character; where points share a cell
-- the worst is seen: x, then ?, then o, then any other.
-- options: title; unit (y -> text); label (x -> text); x_title, a line below (none);
-- columns of all (the terminal's, 80 at most), or width of the picture alone; height.
-- The scale of y begins at 0, that of x is logarithmic where the range is wide. Ticks
-- are round numbers, and are written short: "10.0 ms" is 10 ms, "1,000/s" 1k/s.

local tspam = require "tspam"

local WIDEST <const>, NARROWEST <const> = 80, 20
--- The scale of x is logarithmic where its ends are this many times apart.
local WIDE <const> = 5
--- Between the labels of x.
local GAP <const> = 2
local SLACK <const> = 1e-9
local BADNESS <const> = { o = 1, ["?"] = 2, x = 3 }

-- 1, 2 or 5 times a power of ten: the least that is no less than x.
local function round_up(x)
  local decade = 10.0 ^ math.floor(math.log(x, 10) + SLACK)
  for _, factor in ipairs { 1, 2, 5 } do
    if factor * decade >= x * (1 - SLACK) then
      return factor * decade
    end
  end
  return 10 * decade
end

-- The text of a round number without the zeros that say nothing.
local function short(text)
  text = text:gsub(",000,000%f[%D]", "M"):gsub(",000%f[%D]", "k")
  return (text:gsub("(%.%d-)0+%f[%D]", "%1"):gsub("%.(%D)", "%1"):gsub("%.$", ""))
end

local function bounds(points)
  local low, high, top = math.huge, -math.huge, 0
  for _, point in ipairs(points) do
    low, high = math.min(low, point[1]), math.max(high, point[1])
    top = math.max(top, point[2])
  end
  return low, high, top
end

-- Three or four ticks from 0 to the first that is no less than top.
local function y_axis(top, options)
  if top <= 0 then
    return { rows = 1, [1] = options.unit(0) }
  end
  local step = round_up(top / 3)
  local steps = math.ceil(top / step - SLACK)
  local rows = options.height or (steps == 2 and 9 or 10)
  local axis = { rows = rows, top = steps * step }
  for i = 0, steps do
    axis[rows - (i * (rows - 1) * 2 + steps) // (2 * steps)] = options.unit(i * step)
  end
  return axis
end

-- Round numbers from low to high: all of 1, 2, 5 times a power of ten; then powers of
-- ten; then every second of these, and so on.
local function log_ticks(low, high, thinning)
  local list = {}
  for power = math.floor(math.log(low, 10)), math.ceil(math.log(high, 10)) do
    local factors = thinning == 1 and { 1, 2, 5 } or power % (thinning - 1) == 0 and { 1 } or {}
    for _, factor in ipairs(factors) do
      list[#list + 1] = factor * 10.0 ^ power
    end
  end
  return list
end

local function linear_ticks(low, high, thinning)
  local step = round_up((high - low) / math.max(1, 7 - thinning))
  local list = {}
  for i = math.ceil(low / step - SLACK), math.floor(high / step + SLACK) do
    list[#list + 1] = i * step
  end
  return list
end

-- The labels below their ticks, in one line -> text, columns of the ticks | nil where
-- they have no room.
local function label_line(ticks, axis, options)
  local text, columns = "", {}
  for _, tick in ipairs(ticks) do
    local column = axis.column(tick)
    if column >= 0 and column < axis.width then
      local label = short(options.label(tick))
      local at = math.min(axis.gutter + column - (#label - 1) // 2,
        axis.gutter + axis.width - #label)
      if at < #text + (text == "" and 0 or GAP) then
        return nil
      end
      text = text .. (" "):rep(at - #text) .. label
      columns[#columns + 1] = column
    end
  end
  return text, columns
end

-- axis with column(x), 0 on the left, and the lines below the picture.
local function x_axis(low, high, axis, options)
  local log = low > 0 and high / low >= WIDE
  local from, to = log and math.log(low) or low, log and math.log(high) or high
  function axis.column(x)
    local share = ((log and math.log(x) or x) - from) / (to - from)
    return math.floor(share * (axis.width - 1) + 0.5)
  end
  local line = ("-"):rep(axis.width)
  for thinning = 1, 6 do
    local ticks = (log and log_ticks or linear_ticks)(low, high, thinning)
    local labels, columns = label_line(ticks, axis, options)
    for _, column in ipairs(columns or {}) do
      line = line:sub(1, column) .. "+" .. line:sub(column + 2)
    end
    if labels then
      return { line, labels }
    end
  end
  return { line }
end

local function canvas(points, x, y)
  local rows = {}
  for row = 1, y.rows do
    rows[row] = {}
    for column = 1, x.width do
      rows[row][column] = " "
    end
  end
  for _, point in ipairs(points) do
    local height = y.top and math.floor(point[2] / y.top * (y.rows - 1) + 0.5) or 0
    local row, column = rows[y.rows - height], x.column(point[1]) + 1
    if (BADNESS[point[3]] or 0) >= (BADNESS[row[column]] or 0) then
      row[column] = point[3]
    end
  end
  return rows
end

-- Makes the labels of y short, and all as wide as the widest. -> that width
local function align(y)
  local widest = 0
  for row = 1, y.rows do
    y[row] = y[row] and short(y[row])
    widest = math.max(widest, #(y[row] or ""))
  end
  return widest
end

local function room(options, gutter)
  local _, columns = tspam.terminal(1)
  columns = math.min(options.columns or columns, WIDEST)
  return options.width or math.max(NARROWEST, columns - gutter)
end

return function(points, options)
  local low, high, top = bounds(points)
  if #points < 2 or low == high then
    return {}
  end
  local y = y_axis(top, options)
  local widest = align(y)
  local gutter = widest + 3
  local x = { gutter = gutter, width = room(options, gutter) }
  local below = x_axis(low, high, x, options)
  local lines = { options.title }
  for row, cells in ipairs(canvas(points, x, y)) do
    local label, tick = y[row] or "", y[row] and "+" or "|"
    lines[#lines + 1] = (("%s%s %s %s"):format((" "):rep(widest - #label), label, tick,
      table.concat(cells)):gsub("%s+$", ""))
  end
  lines[#lines + 1] = (" "):rep(widest + 1) .. "+-" .. below[1]
  lines[#lines + 1] = below[2]
  if options.x_title then
    lines[#lines + 1] = (" "):rep(gutter + (x.width - #options.x_title) // 2) .. options.x_title
  end
  return lines
end
