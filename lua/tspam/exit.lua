--- Ends the script with an exit status, from anywhere, without os.exit.
-- exit(2, "option '--rate': …") raises an object that tspam.command turns into
-- one line on stderr and the status; to-be-closed variables are closed on the way.

local Exit = {}
Exit.__index = Exit
Exit.__name = "tspam.exit"

function Exit:__tostring()
  return self.message or ("exit status %d"):format(self.status)
end

local module = {}

--- True for an object that exit raised, also that of a copied tspam.exit (--copy).
function module.is(value)
  local kind = getmetatable(value)
  return type(kind) == "table" and kind.__name == Exit.__name
end

return setmetatable(module, {
  __call = function(_, status, message)
    error(setmetatable({ status = status, message = message }, Exit), 0)
  end,
})
