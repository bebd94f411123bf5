---@meta storage

--- The stored rows.  Functions marked "yields" wait for another thread while other
--- requests are served; call them from a handler, from the stream function of an
--- answer or from every().
---
--- What can happen to a correct caller answers nil, a message and a reason:
--- "unavailable" (storage.backend is "none"), "full" (the write queue; try again
--- later), "timeout" (the query deadline), "canceled", "invalid" or "failed".
local storage = {}

---@alias Reason "unavailable"|"full"|"timeout"|"canceled"|"invalid"|"failed"

--- { column, op, value... } with op = != in not_in < <= > >= prefix matches
--- not_matches; times are unix seconds.
---@alias Condition any[]

--- A record as a table: columns by name (times as unix seconds), "type" for its
--- event type, "extra" for the JSON of what has no column.
---@class Record
---@field type ("request_start"|"request_complete"|"request_error")?
---@field extra (Fragment|table)?
---@field [string] any

---@class Written
---@field accepted integer    stored as new rows, or broadcast where the event type is not stored
---@field merged integer      stored into the row of the same request_id
---@field rejected integer
---@field dropped integer?    by hooks.lua
---@field errors { index: integer, line: integer?, field: string?, message: string }[]  at most 20
---@field durability "full"|"normal"

--- How many of the records that were taken have these texts; 64 at most, and one of others for what
--- is beyond.
---@class Counts
---@field records integer
---@field others true?
---@field [string] string

--- Stores the records of a body; answers after the commit.  Yields.
---@param body Body|string
---@param format "json"|"ndjson"?  default "ndjson"
---@param counted_by string[]?     up to 4 columns of texts
---@return Written?
---@return (Counts[]|string)? counts_or_message
---@return Reason? reason
function storage.ingest(body, format, counted_by) end

--- The same without waiting: for who must not be held up by the store.  What is lost then is
--- counted, moonledger_lost_records_total, and logged.
---@param records Record[]
---@return true?
---@return string? message  where it is clear at once
---@return Reason? reason
function storage.post(records) end

--- Stores records.  Members that are no columns are kept in extra.  Yields.
---@param records Record[]
---@param counted_by string[]?
---@return Written?
---@return (Counts[]|string)? counts_or_message
---@return Reason? reason
function storage.insert(records, counted_by) end

---@class Select
---@field where Condition[]?
---@field order_by string?      a column; default "timestamp"; equal ones go by time and arrival
---@field descending boolean?
---@field limit integer?        1 to 100000, default 1000
---@field offset integer?
---@field after integer[]?      a page's next: goes on there; only in order of time
---@field as ("tables"|"json"|"ndjson"|"csv")?
---@field extra boolean?        with the JSON of what has no column
---@field fields string[]?      of rows as text: columns and "extra"; unknown values are null

---@class Page
---@field json Fragment?        as = "json": an array of rows
---@field text Fragment?        as = "ndjson" or "csv": lines
---@field count integer
---@field next integer[]?       { time, row }: where the next page goes on; nil at the end

--- Rows in order.  As tables (the default) the second result is next; in the other
--- forms, which are made on a reader's thread, the first is a Page.  Yields.
---@param options Select
---@return (Record[]|Page)? rows
---@return (integer[]|string)? next_or_message
---@return Reason? reason
function storage.select(options) end

--- How many rows match.  Yields.
---@param options { where: Condition[]? }
---@return integer?
---@return string? message
---@return Reason? reason
function storage.count(options) end

--- One row by its request_id, with extra; nil alone when there is none.  Yields.
---@param request_id string
---@param form ("table"|"json")?
---@return (Record|Fragment)?
---@return string? message
---@return Reason? reason
function storage.get(request_id, form) end

---@class Question
---@field by string[]?          at most 8 columns
---@field every (integer|"minute"|"hour"|"day")?  buckets of so many seconds, a multiple of 60
---@field max_points integer?   every grows to its least multiple that gives at most so many
---@field quantiles number[]?   of response times, at most 8: fields duration_ms_p50 and so on
---@field sketches string[]?    of which distributions; default: the first of schema.lua
---@field bounds integer[]?     instead of every: where buckets begin, ascending unix seconds
---@field rest boolean?         limit counts combinations of by; the groups get other and totals
---@field seen boolean?         with first_seen, last_seen (unix seconds), last_row; read from rows
---@field measures string[]?    those of schema.lua that are wanted; default: all
---@field order_by (string|string[])?  a measure, one of those wanted, or several, whose sum counts
---@field descending boolean?
---@field limit integer?

---@class Questions: Question
---@field where Condition[]?

--- The by columns, time (unix seconds: a bucket's start) and the measures of schema.lua.
---@class Group
---@field requests integer
---@field successes integer
---@field errors integer
---@field client_errors integer  status 400 to 499
---@field server_errors integer  status 500 and above
---@field duration_ms number
---@field cost_usd number
---@field tokens_input integer
---@field tokens_output integer
---@field cache_read_tokens integer
---@field cache_write_tokens integer
---@field unpriced_requests integer
---@field duration_known integer
---@field time_to_first_token_ms number
---@field time_to_first_token_known integer
---@field billed_cost_usd number
---@field time number?
---@field duration_ms_p50 number?
---@field [string] any

---@class Groups
---@field every integer?        seconds of a bucket
---@field exact boolean?        false: something stands under "(other)", or has gone with retention
---@field window { start_time: number?, end_time: number? }?  the one answered, where what has gone
---                             made it another one than was asked for; an open side is nil
---@field other Group?          rest: what limit leaves out
---@field totals Group?         rest: all of it
---@field [integer] Group

--- Counts, sums and quantiles, from rollups where they can answer.  One question
--- answers its groups; a list of questions { where = ..., {by = ...}, {every = ...}
--- } as many lists of groups, all from one snapshot.  Yields.
---@param questions Questions|Question[]
---@return (Groups|Groups[])?
---@return string? message
---@return Reason? reason
function storage.aggregate(questions) end

--- One read-only statement on the database, with ? for values.  Rows are tables by
--- column name; the second result tells whether storage.sql_max_rows has cut them.
--- Yields.
---@param text string
---@param ... nil|boolean|number|string
---@return table[]?
---@return (boolean|string)? truncated_or_message
---@return Reason? reason
function storage.sql(text, ...) end

--- Times in unix seconds.
---@class Retained
---@field limits table<"rows"|"minute"|"hour"|"day"|"max_bytes"|"min_free", integer?>  ages in
---                             seconds, bytes; nil: kept
---@field rows integer          that there are
---@field page_bytes integer
---@field pages integer         of the file
---@field free_pages integer    that are reused before it grows
---@field file_bytes integer    allocated, as the next two
---@field wal_bytes integer
---@field ballast_bytes integer
---@field parts_bytes integer   of cold days
---@field disk_free integer?    nil: nobody knows
---@field day_rows integer      that came in the last 24 hours, ..
---@field day_bytes integer     .. and what so many take
---@field removed table<string, integer?>  since the start: rows, cells, parts, bytes, passes,
---                             last_pass
---@field now number?
---@field [string] integer?     since:rows, since:minute, since:set:NAME ..: complete from there on;
---                             oldest:rows, oldest:minute ..; due:rows, due:minute ..: when the
---                             oldest go by their age

--- What is kept, since when, what has gone.  Yields.
---@return Retained?
---@return string? message
---@return Reason? reason
function storage.retention() end

--- Keeps tables as JSON beside the records: in the table journal(entry, topic,
--- kind, time, data), which storage.sql reads.  Their members kind (text) and time
--- (unix seconds; absent: now) are columns too, time in microseconds. Yields.
---@param topic string    1 to 64 bytes
---@param entries table[]
---@param options { keep: integer? }?  the newest so many of the topic stay, and up to
---                                 a sixteenth more; default 1000000
---@return table?
---@return string? message
---@return Reason? reason
function storage.append(topic, entries, options) end

--- Keeps tables as JSON under keys, all of them or none: in the table kept(topic, key, data), which
--- storage.sql reads.  false removes a key.  A reset
--- leaves what is kept.  Yields.
---@param topic string    1 to 64 bytes
---@param values table<string, table|false>
---@return table?
---@return string? message
---@return Reason? reason
function storage.put(topic, values) end

--- Deletes all rows and rollups; metrics keep their counts.  Yields.
---@return table?
---@return string? message
---@return Reason? reason
function storage.reset() end

---@class StorageStats
---@field rows integer
---@field file_bytes integer
---@field wal_bytes integer
---@field free_bytes integer?  of the file system that the database is on
---@field queued_bytes integer
---@field queued_batches integer
---@field ids integer
---@field commits integer
---@field committed_records integer
---@field last_commit_seconds number
---@field oldest_queued_seconds number
---@field writable boolean
---@field fault string? what happened to the database's files, and its repair
---@field missing_part string? a file of sealed days that is not there: what they hold is refused
---@field durability "full"|"normal"

---@return StorageStats?
---@return string? message
---@return Reason? reason
function storage.stats() end

---@class StorageFile
---@field name string  for the life of the file, wherever it is: the first part of event ids
---@field path string  absolute, while it is there

--- Which database this is.
---@return StorageFile?
---@return string? message
---@return Reason? reason
function storage.file() end

--- The names of columns, in their order: those of a row (public), those that it shows on request
--- (dimensions, measures), those that rows can be grouped by (keys), those of texts, or all.
---@param kind ("public"|"dimensions"|"measures"|"keys"|"texts"|"all")?
---@return string[]
function storage.columns(kind) end

return storage
