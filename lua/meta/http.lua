---@meta http

--- Calls to the outside.  Whom scripts may call stands in config.lua, outside.allow.
local http = {}

---@class HttpOptions
---@field url string        http(s)://HOST[:PORT]/PATH
---@field method? string    default GET
---@field headers? table<string, string|string[]>  besides Host and those of framing
---@field body? string|Fragment|Body|fun(): string|nil, string|nil  a text; or a function that
---   gives pieces and nil at their end, or nil and why: then the call is given up
---@field length? integer   bytes of all pieces, where that is known; else they go in chunks
---@field connect_ms? integer     to find, reach and greet the host; default 5000
---@field first_byte_ms? integer  of silence after the request; default 30000
---@field idle_ms? integer        of silence within the response; default 60000
---@field total_ms? integer       for all of it; default 60000, with stream 0: no limit
---@field max_bytes? integer      of the response's body, without stream; default 8 MiB
---@field stream? boolean   returns at the response's head; read() gives its body
---@field raw? boolean      the body as it comes: no gzip is asked for or taken off, and no
---   User-Agent is added

---@class HttpResponse
---@field status integer
---@field headers table<string, string>        names in lower case; repeated ones joined by ", "
---@field header_list table<string, string[]>  the same, one by one
---@field body string?                         nil with stream
local HttpResponse = {}

--- The next piece of a response that was asked for with stream; nil at its end; or nil, message
--- and reason.  What nobody reads is not fetched.
---@return string? piece
---@return string? message
---@return HttpReason? reason
function HttpResponse:read() end

--- Ends it early.  A response also ends with its task, and as a `<close>` variable.
function HttpResponse:close() end

---@alias HttpReason
---| "refused"    # outside.allow does not name the host, or not its private address
---| "resolve"    # the name has no address
---| "connect"
---| "tls"        # the certificate is not trusted, for example
---| "timeout"
---| "too_large"  # more than max_bytes
---| "protocol"   # the answer is not HTTP/1.1
---| "closed"     # the other side ended too early

--- Any status is a response; redirects are not followed, and nothing is sent twice.
---@param options HttpOptions
---@return HttpResponse?
---@return string? message  with host and port, never with path or query
---@return HttpReason? reason
function http.request(options) end

--- The same with the URL apart.
---@param url string
---@param options? HttpOptions
---@return HttpResponse?
---@return string? message
---@return HttpReason? reason
function http.get(url, options) end

--- Whether an entry of outside.allow names the host of a URL.  At load time too.
---@param entry string
---@param url string
---@return boolean?
---@return string? message  what is wrong with the URL
function http.names(entry, url) end

--- Takes the gzip or deflate off a body that is read with raw.
---@class Inflater
local Inflater = {}

---@param bytes string
---@return string?  nil where they are not what the coding makes, or make more than 8 MiB
function Inflater:take(bytes) end

---@param coding string  a Content-Encoding
---@return Inflater?     nil of others than gzip and deflate
function http.inflater(coding) end

return http
