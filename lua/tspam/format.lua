--- Numbers as people read them: "1.23 ms", "25.0k/s", "1,234,567".

local format = {}

-- 3 significant figures: "1.23", "12.3", "123".
local function figures(x)
  local size = math.abs(x)
  if size >= 99.95 then
    return ("%.0f"):format(x)
  end
  return (size >= 9.995 and "%.1f" or "%.2f"):format(x)
end

--- A whole number with thousands set off by commas.
function format.count(n)
  local digits = ("%.0f"):format(n)
  local sign, rest = digits:match("^(%-?)(%d+)$")
  local grouped = rest:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "")
  return sign .. grouped
end

--- Seconds; nil (nothing was measured) is "-".
function format.time(seconds)
  if not seconds then
    return "-"
  elseif seconds >= 0.9995 or seconds == 0 then
    return figures(seconds) .. " s"
  elseif seconds >= 0.9995e-3 then
    return figures(seconds * 1e3) .. " ms"
  elseif seconds >= 0.9995e-6 then
    return figures(seconds * 1e6) .. " us"
  end
  return figures(seconds * 1e9) .. " ns"
end

--- A span somebody asked for: "10 s", "0.5 s", "2.5 ms".
function format.span(seconds)
  if seconds >= 1 or seconds == 0 then
    return ("%.10g s"):format(seconds)
  end
  return ("%.10g ms"):format(seconds * 1e3)
end

--- Connections per second: "995/s", "25.0k/s".
function format.rate(rate)
  if rate >= 999.5e3 then
    return figures(rate / 1e6) .. "M/s"
  elseif rate >= 9995 then
    return figures(rate / 1e3) .. "k/s"
  elseif rate >= 99.95 then
    return format.count(rate) .. "/s"
  end
  return (("%.2f"):format(rate):gsub("%.?0+$", "")) .. "/s"
end

--- "12.5 %"; small shares, and what is missing from nearly all, keep two
-- significant figures.
function format.share(part, whole)
  if whole == 0 then
    return "-"
  elseif part == 0 or part == whole then
    return part == 0 and "0 %" or "100 %"
  end
  local percent = 100 * part / whole
  local least = math.min(percent, math.abs(100 * (whole - part) / whole))
  if least > 0.1 then
    return ("%.1f %%"):format(percent)
  end
  local decimals = 1 - math.floor(math.log(least, 10))
  return ("%." .. decimals .. "f"):format(percent):gsub("0+$", "") .. " %"
end

--- Bytes: "512 B", "3.00 kB", "64.0 MB".
function format.bytes(n)
  for _, unit in ipairs { { 1e9, " GB" }, { 1e6, " MB" }, { 1e3, " kB" } } do
    if n >= unit[1] then
      return figures(n / unit[1]) .. unit[2]
    end
  end
  return ("%d B"):format(n)
end

--- "1 connection", "2,000 connections".
function format.plural(n, noun)
  return format.count(n) .. " " .. noun .. (n == 1 and "" or "s")
end

--- The width of a report's column of names: what the longest cause, or name of an
-- errno behind one, takes.
function format.name_width(failures, others)
  local width = 17
  for cause in pairs(failures) do
    width = math.max(width, #cause + 2)
  end
  for errno in pairs(others or {}) do
    width = math.max(width, #errno + 4)
  end
  return width
end

--- A line of a report: a name in a column of that width, and the rest.
function format.row(width, name, rest)
  return name .. (" "):rep(width - #name) .. " " .. rest .. "\n"
end

--- A sentence with its end: a question has one.
function format.sentence(text)
  return text .. (text:find("?$") and "" or ".")
end

--- One finding of the doctor as one line; head: instead of its severity.
function format.finding(f, head)
  local line = ("%s: %s: have %s, need %s"):format(head or f.severity, f.what, f.have, f.need)
  if f.effect ~= "" then
    line = line .. "; otherwise " .. f.effect
  end
  return f.remedy ~= "" and ("%s; to mend it: %s"):format(line, f.remedy) or line
end

return format
