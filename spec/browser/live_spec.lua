local cases = require "spec.helpers.browser"

describe("the pages in a browser, live.mjs:", function()
  cases("live", lazy_setup, it)
end)
