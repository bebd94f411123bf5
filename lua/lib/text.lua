--- Text as it comes in a query string: percent-decoding, UTF-8, Unicode white space.
local text = {}

local REPLACEMENT = "\u{FFFD}"

-- Python's str.isspace, which is what ccproxy trims with.
local SPACES = {}
for _, code in ipairs {
  0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x85, 0xA0, 0x1680, 0x2000, 0x2001,
  0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200A, 0x2028, 0x2029, 0x202F,
  0x205F, 0x3000,
} do
  SPACES[utf8.char(code)] = true
end

-- Range of the second byte by lead byte, where it is narrower than 80..BF (Unicode, table 3-7).
local SECOND = { [0xE0] = { 0xA0, 0xBF }, [0xED] = { 0x80, 0x9F }, [0xF0] = { 0x90, 0xBF },
  [0xF4] = { 0x80, 0x8F } }

local function sequence_length(lead)
  if lead >= 0xC2 and lead <= 0xDF then
    return 2
  elseif lead >= 0xE0 and lead <= 0xEF then
    return 3
  elseif lead >= 0xF0 and lead <= 0xF4 then
    return 4
  end
  return 1
end

-- Bytes of the broken sequence at i that one U+FFFD stands for: the longest start of a valid one.
local function broken_length(s, i)
  local lead = s:byte(i)
  local range = SECOND[lead] or { 0x80, 0xBF }
  for n = 1, sequence_length(lead) - 1 do
    local byte = s:byte(i + n)
    if not byte or byte < range[1] or byte > range[2] then
      return n
    end
    range = { 0x80, 0xBF }
  end
  return 1
end

--- s with every invalid sequence replaced by U+FFFD, as the WHATWG Encoding standard does.
---@param s string
---@return string
function text.valid_utf8(s)
  local from, parts = 1, nil
  while true do
    local length, bad = utf8.len(s, from)
    if length then
      break
    end
    parts = parts or {}
    parts[#parts + 1] = s:sub(from, bad - 1)
    parts[#parts + 1] = REPLACEMENT
    from = bad + broken_length(s, bad)
    if from > #s then
      return table.concat(parts)
    end
  end
  if not parts then
    return s
  end
  parts[#parts + 1] = s:sub(from)
  return table.concat(parts)
end

local function decode_byte(digits)
  return string.char(tonumber(digits, 16))
end

--- Whether a query string, or a part of it, says something else than what stands there.
---@param s string
---@return boolean
function text.is_encoded(s)
  return s:find("%", 1, true) ~= nil or s:find("+", 1, true) ~= nil or utf8.len(s) ~= #s
end

--- Decodes one name or value of a query string.  A "%" without two hexadecimal digits stays.
---@param s string
---@return string
function text.percent_decode(s)
  if text.is_encoded(s) then
    s = text.valid_utf8((s:gsub("+", " "):gsub("%%(%x%x)", decode_byte)))
  end
  return s
end

--- s without the Unicode white space at its ends; s is valid UTF-8.
---@param s string
---@return string
function text.trim(s)
  local first, last = 1, #s
  while first <= last do
    local after = utf8.offset(s, 2, first)
    if not SPACES[s:sub(first, after - 1)] then
      break
    end
    first = after
  end
  while last >= first do
    local start = utf8.offset(s, -1, last + 1)
    if not SPACES[s:sub(start, last)] then
      break
    end
    last = start - 1
  end
  return s:sub(first, last)
end

--- s without the ASCII white space at its ends.
---@param s string
---@return string
function text.strip(s)
  local last = s:match("^.*()[^ \t\n\v\f\r]")
  return last and s:sub(s:match("^[ \t\n\v\f\r]*()"), last) or ""
end

--- At most so many characters of s, which is valid UTF-8; what is cut off leaves an ellipsis.
---@param s string
---@param most integer
---@return string
function text.clip(s, most)
  local after = utf8.offset(s, most + 1)
  return after and after <= #s and s:sub(1, after - 1) .. "…" or s
end

return text
