--- Output handler of busted: its own terminal report, and the number of passed and
--- failed specs in the file $RESULTS, where `./run test` sums them up.  Errors and
--- pending specs count as failed.
return function(options)
  local busted = require "busted"
  local handler = require "busted.outputHandlers.plainTerminal"(options)

  busted.subscribe({ "exit" }, function()
    local path = os.getenv "RESULTS"
    if path then
      local file = assert(io.open(path, "a"))
      local failed = handler.failuresCount + handler.errorsCount + handler.pendingsCount
      file:write(("%d %d\n"):format(handler.successesCount, failed))
      file:close()
    end
    return nil, true
  end)
  return handler
end
