local cases = require "spec.helpers.browser"

describe("the pages in a browser, views.mjs:", function()
  cases("views", lazy_setup, it)
end)
