local cases = require "spec.helpers.browser"

describe("the pages in a browser, docs.mjs:", function()
  cases("docs", lazy_setup, it)
end)
