--- The word of a list that is nearest to a mistyped one.
-- nearest(word, words) -> word of the list | nil: the first that it begins, else the
-- nearest by at most two letters added, left out or changed, and never all of them.

local function distance(a, b)
  local row = {}
  for j = 0, #b do
    row[j] = j
  end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local best = math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
      diagonal, row[j] = row[j], best
    end
  end
  return row[#b]
end

local function begun(word, words)
  for _, candidate in ipairs(words) do
    if #word:gsub("^%-+", "") > 1 and candidate:sub(1, #word) == word then
      return candidate
    end
  end
end

return function(word, words)
  local longer = begun(word, words)
  if longer then
    return longer
  end
  local best, best_distance = nil, 3
  for _, candidate in ipairs(words) do
    local d = distance(word, candidate)
    if d < best_distance and d < #candidate:gsub("^%-+", "") then
      best, best_distance = candidate, d
    end
  end
  return best
end
