--- What is under way in a run, by how it will end: lanes of batches, each in the order of
-- their ends. A batch stands for n connections: the first ends at `at`, the next ones each
-- `step` later; they were due at `due`, `due_step` apart.

local Ends = {}
Ends.__index = Ends

local function lane(self, name)
  local found = self.by_name[name]
  if not found then
    found = { name = name, head = 1, tail = 0 }
    self.by_name[name] = found
    self.lanes[#self.lanes + 1] = found
  end
  return found
end

function Ends:add(name, batch)
  local list = lane(self, name)
  local i = list.tail
  while i >= list.head and list[i].at > batch.at do
    list[i + 1] = list[i]
    i = i - 1
  end
  list[i + 1] = batch
  list.tail = list.tail + 1
  self.last = math.max(self.last, batch.at + (batch.n - 1) * batch.step)
end

local function ended(batch, to)
  if batch.at > to then
    return 0
  elseif batch.step <= 0 then
    return batch.n
  end
  return math.min(batch.n, math.floor((to - batch.at) / batch.step + 1e-6) + 1)
end

local function advance(batch, n)
  batch.n = batch.n - n
  batch.at = batch.at + n * batch.step
  batch.due = batch.due + n * batch.due_step
  batch.entry = batch.entry and batch.entry + n * batch.entry_step
end

--- Hands over what has ended by a time: took(name, batch, n), the first n of the batch.
function Ends:settle(to, took)
  for i = 1, #self.lanes do
    local list = self.lanes[i]
    while list.head <= list.tail do
      local batch = list[list.head]
      local n = ended(batch, to)
      if n == 0 then
        break
      end
      took(list.name, batch, n)
      advance(batch, n)
      if batch.n > 0 then
        break
      end
      list[list.head] = nil
      list.head = list.head + 1
    end
  end
end

--- Calls change(name, batch) for all that is under way; their order has to stay.
function Ends:each(change)
  self.last = 0
  for _, list in ipairs(self.lanes) do
    for i = list.head, list.tail do
      local batch = list[i]
      change(list.name, batch)
      self.last = math.max(self.last, batch.at + (batch.n - 1) * batch.step)
    end
  end
end

return function()
  return setmetatable({ by_name = {}, lanes = {}, last = 0 }, Ends)
end
