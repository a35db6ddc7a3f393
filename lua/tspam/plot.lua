--- Small plots for a terminal. plot(points, options) -> lines
-- points: {x, y, mark}, mark a character; x on a logarithmic scale.
-- options: title, unit (y -> text), label (x -> text), width, height.

local WIDTH <const>, HEIGHT <const> = 60, 8

local function bounds(points)
  local low, high, top = math.huge, 0, 0
  for _, point in ipairs(points) do
    low, high = math.min(low, point[1]), math.max(high, point[1])
    top = math.max(top, point[2])
  end
  return low, high, top
end

local function canvas(width, height)
  local rows = {}
  for y = 1, height do
    rows[y] = {}
    for x = 1, width do
      rows[y][x] = " "
    end
  end
  return rows
end

return function(points, options)
  local width, height = options.width or WIDTH, options.height or HEIGHT
  local low, high, top = bounds(points)
  if #points < 2 or low == high then
    return {}
  end
  local rows = canvas(width, height)
  for _, point in ipairs(points) do
    local x = math.log(point[1] / low) / math.log(high / low)
    local y = top > 0 and point[2] / top or 0
    rows[height - math.floor(y * (height - 1) + 0.5)][1 + math.floor(x * (width - 1) + 0.5)] =
      point[3]
  end
  local lines = { options.title }
  for y = 1, height do
    local value = y == 1 and options.unit(top) or y == height and options.unit(0) or ""
    lines[#lines + 1] = (("%9s |%s"):format(value, table.concat(rows[y])):gsub("%s+$", ""))
  end
  local from, to = options.label(low), options.label(high)
  lines[#lines + 1] = (" "):rep(10) .. "+" .. ("-"):rep(width)
  lines[#lines + 1] = (" "):rep(11) .. from .. (" "):rep(width - #from - #to) .. to
  return lines
end
