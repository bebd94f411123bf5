---@meta client

--- For commands: HTTP to a server, one request after the other on a connection that is kept.
--- Calls wait.
local client = {}

---@class ClientResponse
---@field status integer
---@field headers table<string, string>  names in lower case
---@field body string                    absent where the request said stream

---@class Client
local Client = {}

--- nil and why when url is not http://HOST[:PORT] or https://HOST[:PORT].
---@param url string
---@param options { token: string?, timeout: number? }?  timeout: seconds of silence, 60; 0 is none
---@return Client?
---@return string? message
function client.open(url, options) end

--- nil and why when no response came.  A body of more than 256 MiB is one for stream.
---@param target string  path and query, encoded
---@param options { headers: table<string, string>?, stream: boolean? }?
---@return ClientResponse?
---@return string? message
function Client:get(target, options) end

---@param target string
---@param body string?
---@param options { headers: table<string, string>?, stream: boolean? }?
---@return ClientResponse?
---@return string? message
function Client:post(target, body, options) end

--- The next bytes of a response that was asked for with stream = true: nil at its end, nil and
--- why when it breaks off.
---@return string?
---@return string? message
function Client:read() end

function Client:close() end

return client
