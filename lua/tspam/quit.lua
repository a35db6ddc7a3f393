--- Ends the script with an exit status, from anywhere, without os.exit.
-- quit(2, "option '--rate': …") raises an object that tspam.command turns into
-- one line on stderr and the status; to-be-closed variables are closed on the way.

local Quit = {}
Quit.__index = Quit
Quit.__name = "tspam.quit"

function Quit:__tostring()
  return self.message or ("exit status %d"):format(self.status)
end

local module = {}

--- True for an object that quit raised.
function module.is(value)
  return getmetatable(value) == Quit
end

return setmetatable(module, {
  __call = function(_, status, message)
    error(setmetatable({ status = status, message = message }, Quit), 0)
  end,
})
