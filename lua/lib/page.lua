--- What the pages of this server have in common.
local page = {}

--- Content-Security-Policy: a page loads its own files, and nothing from elsewhere.
page.POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
  .. "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

return page
