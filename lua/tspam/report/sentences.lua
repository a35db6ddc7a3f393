--- What a report of one run says in sentences: how all failed, what NAT could not
-- keep, findings, the verdict and its reasons. sentences(result, out)

local format = require "tspam.format"

-- What a failure that hit every connection means. A cause without a row is
-- named and left at that.
local MEANS <const> = {
  refused = "nothing listens there, or a device on the way refuses them",
  timeout = "no answer came within the time-out",
  unreachable = "the network reports that it has no route there",
  reset = "the other end reset the connections",
  short = "the answers had fewer bytes than --expect asks for",
  ["no-port"] = "this machine has no source port left",
  ["no-fd"] = "this machine has no file descriptor left",
}

local VERDICTS <const> = {
  valid = "valid, this machine was not the limit.",
  invalid = "invalid, this machine was the limit, not the target.",
}

local function nat_sentences(nat, out)
  local function say(count, text)
    if (count or 0) > 0 then
      out:write(text:format(format.plural(count, "connection")), "\n")
    end
  end
  say(nat.unreported, nat.reported == 0
    and "The server does not report peers: start it with --report-peer (%s without a report)."
    or "Not every server reports peers: start each with --report-peer (%s without a report).")
  say(nat.unlisted, "The list of outside addresses is not complete: %s had others.")
  say(nat.uncompared,
    "Collisions and reuse were counted for the first connections only, without %s.")
end

return function(result, out)
  local cause, count = next(result.failures)
  if cause and count == result.started then
    local meaning = MEANS[cause:match("^[^/]+")]
    out:write(("All connections failed the same way: %s%s.\n"):format(
      cause, meaning and " - " .. meaning or ""))
  elseif result.started > 0 and result.ok == 0 then
    out:write("Not one connection succeeded.\n")
  end
  if result.interrupted then
    out:write("Interrupted: this is what was measured until then.\n")
  end
  nat_sentences(result.nat or {}, out)
  for _, finding in ipairs(result.warnings or {}) do
    if finding.severity ~= "ok" then
      out:write(format.finding(finding), "\n")
    end
  end
  if result.verdict then
    out:write("Verdict: ", VERDICTS[result.verdict], "\n")
  end
  for _, reason in ipairs(result.reasons or {}) do
    out:write("  ", reason.text, "\n")
  end
end
