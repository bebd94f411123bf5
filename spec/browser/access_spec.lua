local cases = require "spec.helpers.browser"

describe("the pages in a browser, access.mjs:", function()
  cases("access", lazy_setup, it)
end)
