--- Report for programs: one result as a JSON object (API: RUN).

local document = require "tspam.document"
local json = require "tspam.json"

return function(result, out)
  out:write(json.encode(document.run(result)))
end
