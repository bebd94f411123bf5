--- A Prometheus family of one's own: people's verdicts on answers, counted by model.
local metrics = require "metrics"
local params = require "lib.params"

local verdicts = metrics.counter {
  name = "feedback_verdicts_total",
  help = "Verdicts that people gave on answers, by model.",
  labels = { "model", "verdict" },
}

return {
  summary = "Counts a verdict on an answer.",
  scope = "ingest",
  answers = "",
  params = {
    model = params.string { default = "unknown" },
    verdict = params.string { default = "good", one_of = { "good", "bad" } },
  },

  ---@param req Request
  ---@return Response
  handle = function(req)
    verdicts:inc(1, req.params.model, req.params.verdict)
    return { status = 204 }
  end,
}
