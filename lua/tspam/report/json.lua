--- Report for programs: one result as a JSON object (API: RUN).

local to_json = require "tspam.to_json"
local json = require "tspam.json"

return function(result, out)
  out:write(json.encode(to_json.run(result)))
end
