--- How every refusal reads: the server's own, and what a script answers as { status, detail }.
--- Asked once for each status when scripts are loaded; message is then a mark that stands for the
--- text, already a JSON string.

local types = {
  [401] = "authentication_error", [403] = "permission_error", [404] = "not_found_error",
  [429] = "rate_limit_error", [503] = "service_unavailable_error",
}

---@param status integer  400 to 599
---@param message string
---@return string body  JSON
return function(status, message)
  local kind = types[status]
    or status < 500 and "invalid_request_error" or "internal_server_error"
  return ('{"detail":%s,"error":{"type":"%s","message":%s}}'):format(message, kind, message)
end
