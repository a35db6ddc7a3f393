--- The end of a client script: judges --require, writes the JSON, gives the exit
-- status. finish(job, outcome) -> status. outcome:
--   schema        "tspam.rate/1"
--   fields        { {key, value}, … } of the document (default: answer and runs)
--   answer        { {key, value}, … } of the field "answer" (default: there is none)
--   metrics       { name = number } that --require may ask for, of the kinds given to cli.parse
--   error         why the script broke off after a part of its work: told in the document,
--                 then on stderr, status 1 (default: the load that job:run was refused)
--   inconclusive  no answer about the target: this machine was the limit, or there was
--                 nothing to measure (default: a run's verdict is invalid)

local tspam = require "tspam"
local to_json = require "tspam.to_json"
local format = require "tspam.format"
local json = require "tspam.json"
local exit = require "tspam.exit"
local conditions = require "tspam.conditions"
local output = require "tspam.output"

local function got_text(check)
  local got = check.got
  if not got then
    return "not measured"
  elseif check.kind == "share" then
    return "got " .. format.share(got, 1)
  elseif check.kind == "time" then
    return "got " .. format.time(got)
  elseif check.kind == "rate" then
    return "got " .. format.rate(got)
  end
  return ("got %.10g"):format(got)
end

-- Holds every --require; says each in the text. -> checks, all held
local function requirements(job, metrics)
  local checks, held = {}, true
  for i, req in ipairs(job.options.require or {}) do
    local check = conditions.check(req, job.results, metrics)
    held = held and check.ok
    job:write(("required: %s: %s (%s)\n"):format(req.expr,
      check.ok and "held" or "did not hold", got_text(check)))
    checks[i] = json.object { { "expr", req.expr }, { "ok", check.ok },
      { "got", check.got } }
  end
  return json.list(checks), held
end

local function answer_and_runs(job, answer)
  local list = {}
  for i, result in ipairs(job.results) do
    list[i] = to_json.run(result)
  end
  return { { "answer", answer and json.object(answer) }, { "runs", json.list(list) } }
end

-- What ended the work early -> { text, load (nil: no load's fault) } | nil
local function refusal(job, outcome)
  return outcome.error and { text = outcome.error } or job.refused
end

local function error_field(refused)
  local load = refused.load or {}
  return { "error", json.object { { "rate", load.rate }, { "concurrency", load.concurrency },
    { "text", refused.text } } }
end

local function write_json(job, outcome, checks, held, refused)
  local fields = {
    { "target", to_json.target(job) }, { "interrupted", job:interrupted() },
  }
  local own = outcome.fields or answer_and_runs(job, outcome.answer)
  table.move(own, 1, #own, #fields + 1, fields)
  fields[#fields + 1] = refused and error_field(refused)
  fields[#fields + 1] = { "requirements", checks }
  fields[#fields + 1] = { "ok", held and not refused }
  to_json.save(job.options.json, outcome.schema, fields)
end

local function any_invalid(results)
  for _, result in ipairs(results) do
    if result.verdict == "invalid" then
      return true
    end
  end
  return false
end

return function(job, outcome)
  local checks, held = requirements(job, outcome.metrics)
  local refused = refusal(job, outcome)
  if job.options.json then
    write_json(job, outcome, checks, held, refused)
  end
  if job.unwritten then
    error(job.unwritten, 0)
  end
  output.flush(io.stdout, "stdout")
  if refused then
    exit(1, refused.text)
  end
  local inconclusive = outcome.inconclusive
  if inconclusive == nil then
    inconclusive = any_invalid(job.results)
  end
  local signal = tspam.interrupted()
  if signal then
    return 128 + signal
  elseif inconclusive and not job.dry_run then
    return 4
  end
  return held and 0 or 3
end
