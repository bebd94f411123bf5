---@meta file

--- For commands: files and folders, with the rights of whoever runs the command.
local file = {}

---@class FileReader
local FileReader = {}

---@class FileStat
---@field kind "file"|"folder"|"other"
---@field bytes integer
---@field modified number  unix seconds
---@field mode integer     who may: its last nine bits are rwxrwxrwx

---@class FileEntry: FileStat
---@field name string

--- Opens a file for reading, plain or packed by gzip or zstd; "-" is standard input.
---@param path string
---@return FileReader?
---@return string? message
function file.open(path) end

--- About a megabyte that ends with a line; nil at the end, nil and why when it cannot be read.
---@return string?
---@return string? message
function FileReader:read() end

--- The next line without its end; nil at the end, nil and why when it cannot be read.
---@return string?
---@return string? message
function FileReader:line() end

--- Bytes of the file read so far, compressed where it is.
---@return integer
function FileReader:offset() end

function FileReader:close() end

--- Follows links.
---@param path string
---@return FileStat?
---@return string? message
function file.stat(path) end

--- Whether whoever runs the command may write there; nothing is written.
---@param path string
---@return true?
---@return string? message
function file.writable(path) end

--- Bytes that are free on the disk of that path.
---@param path string
---@return integer?
---@return string? message
function file.free(path) end

--- What a folder holds, in no order; links are "other".
---@param folder string
---@return FileEntry[]?
---@return string? message
function file.list(folder) end

--- Makes a folder that nobody else may look into, where none is; those above it must be there.
---@param path string
---@return true?
---@return string? message
function file.make_folder(path) end

--- Writes a whole file: whoever reads it sees the old text or the new one.
---@param path string
---@param text string
---@return true?
---@return string? message
function file.write(path, text) end

return file
