local cases = require "spec.helpers.browser"

describe("the pages in a browser, looks.mjs:", function()
  cases("looks", lazy_setup, it)
end)
