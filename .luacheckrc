std = "lua54"
max_line_length = 100
exclude_files = { "build*", "**/node_modules" }
files["config.lua"] = { read_globals = { "defaults" } }
files["lua"] = { read_globals = { "sleep", "every", "later" } }
files["lua/meta"] = { ignore = { "1", "212", "241" } }
files["spec"] = { std = "+busted" }
files["spec/bench/wrk.lua"] = { globals = { "init", "request", "done" }, read_globals = { "wrk" } }
