local text = require "lib.text"

describe("lib.text", function()
  local decoded = {
    { "", "" },
    { "a+b%20c", "a b c" },
    { "%41%5a%7A", "AZz" },
    { "100%", "100%" },
    { "%4", "%4" },
    { "%zz%4g", "%zz%4g" },
    { "%25%32%35", "%25" },
    { "%00", "\0" },
    { "%C3%A9", "é" },
    { "é", "é" },
    { "%FF", "\u{FFFD}" },
    { "%C3", "\u{FFFD}" },
    { "a%C3b", "a\u{FFFD}b" },
    { "%E2%82x", "\u{FFFD}x" },
    { "%E2%28%A1", "\u{FFFD}(\u{FFFD}" },
    { "%ED%A0%80", "\u{FFFD}\u{FFFD}\u{FFFD}" },
    { "%C0%AF", "\u{FFFD}\u{FFFD}" },
    { "%F0%9F%98%80", "\u{1F600}" },
    { "%F0%9F%98", "\u{FFFD}" },
    { "%F5%80", "\u{FFFD}\u{FFFD}" },
  }
  for _, case in ipairs(decoded) do
    it(("decodes %q"):format(case[1]), function()
      assert.equal(case[2], text.percent_decode(case[1]))
    end)
  end

  local trimmed = {
    { "", "" },
    { "   ", "" },
    { " a b ", "a b" },
    { "\t\r\nx\f\v", "x" },
    { "\u{A0}\u{3000}é\u{2009}", "é" },
    { "\u{200B}x", "\u{200B}x" },
    { "\x1cx\x1f", "x" },
  }
  for _, case in ipairs(trimmed) do
    it(("trims %q"):format(case[1]), function()
      assert.equal(case[2], text.trim(case[1]))
    end)
  end
end)
