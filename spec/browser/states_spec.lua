local cases = require "spec.helpers.browser"

describe("the pages in a browser, states.mjs:", function()
  cases("states", lazy_setup, it)
end)
