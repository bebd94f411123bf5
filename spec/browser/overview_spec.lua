local cases = require "spec.helpers.browser"

describe("the pages in a browser, overview.mjs:", function()
  cases("overview", lazy_setup, it)
end)
