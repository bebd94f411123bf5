---@meta

--- What a handler gets.  It is a table of the request's own; req.params is replaced
--- by the validated parameters.
---@class Request
---@field method string
---@field path string
---@field query string                    as sent, without "?"; lib.params reads it
---@field target string                   path and query as sent
---@field params table<string, any>       of the path, then also of the query string
---@field headers table<string, string>   names in lower case
---@field body Body
---@field now number                      unix seconds, taken when the request was complete
---@field id string                       X-Request-Id, the client's or made
---@field remote string                   address without port

--- The body's bytes; storage.ingest takes them without a Lua string.
---@class Body
---@operator len: integer
local Body = {}

--- Of a raw route: the next piece; nil at the end; nil and a message where the client ended early,
--- was silent or sent no HTTP.
---@return string?
---@return string? message
function Body:read() end

--- What a handler answers.  One of json, body, file and stream, or detail: the
--- error body of the API.
---@class Response
---@field status integer?                 default 200
---@field headers table<string, string>?
---@field json any
---@field body (string|Fragment)?
---@field file string?                    path below static/
---@field missing string?                 what the 404 says where there is no such file
---@field stream (fun(write: fun(text: string|Fragment)): false?)?  write yields while the client
---   is slow; false: the answer breaks off
---@field length integer?                 bytes that stream will write
---@field detail string?
