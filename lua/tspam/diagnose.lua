--- What kind of limit a target has, once its rate is known. One or two experiments tell.
-- diagnose(search, run, request) -> limit
--   search   the outcome of tspam.search
--   run      run { rate, length, hold, content, rest, interval, why } -> result | nil, message;
--            rest: seconds without load before it
--   request  what a connection sends
--   limit    { kind = "rate", rate, burst }   what passes a second is the same at any overload
--            { kind = "open", connections }   so many at once
--            { kind = "state", entries, lifetime }  a table (lifetime: nil where it was not seen)
--            { kind = "bandwidth", bits_per_second }  on the wire, with Ethernet headers
--            { kind = "processing", seconds } one at a time, so long each
--            { kind = "unknown", reason }; contradicts: the limit itself is in doubt
-- Where experiments disagree, or this machine was the limit in one, the kind is not known.

local bandwidth = require "tspam.diagnose.bandwidth"
local open = require "tspam.diagnose.open"
local overloaded = require "tspam.diagnose.overloaded"
local state = require "tspam.diagnose.state"

return function(search, run, request)
  local rate, seen = search.answer.rate, state.once(search)
  return seen and state(search, run, seen)
    or open(search, run, rate)
    or bandwidth(search, run, rate, request or "")
    or overloaded(search, run, rate)
end
