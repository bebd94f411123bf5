#include <lauxlib.h>
#include <lualib.h>

#include "script/bindings/bindings.h"
#include "test.h"

/* What is wrong is the chunk's error, with its line. */
static const char script[] =
    "package.path = 'lua/?.lua;./?.lua'\n"
    "local json, protobuf = require 'json', require 'protobuf'\n"
    "local function all(next_item)\n"
    "  local seen = {}\n"
    "  for item, outer, inner in next_item do\n"
    "    seen[#seen + 1] = item .. ' ' .. tostring(outer) .. ' ' .. tostring(inner)\n"
    "  end\n"
    "  return table.concat(seen, '|')\n"
    "end\n"
    "local function items(text) return all(assert(json.items(text, {'a', 'b', 'c'}))) "
    "end\n"
    "for _, case in ipairs {\n"
    "  {'{}', ''}, {'{\"a\":[]}', ''}, {'{\"a\":null}', ''}, {'{\"a\":[{}]}', ''}, "
    "{'{\"a\":[{\"b\":[{\"c\":[]}]}]}', ''},\n"
    "  {'{\"a\":[{\"b\":[{\"c\":[1,2]}]}]}', '1 {} {}|2 nil nil'},\n"
    "  {' { \"x\" : 1 , \"a\" : [ { \"r\" : {\"b\":[9]} , \"b\" : [ { \"c\" : [ "
    "{\"c\":[3]} ] , \"s\" : \"}]\" } ] } ] } ',\n"
    "   '{\"c\":[3]} {\"r\" : {\"b\":[9]}} {\"s\" : \"}]\"}'},\n"
    "  "
    "{'{\"a\":[{\"n\":1,\"b\":[{\"c\":[1]},{\"c\":[2]}]},7,{\"n\":2,\"b\":[{\"c\":[3]}]}]"
    "}',\n"
    "   '1 {\"n\":1} {}|2 nil {}|3 {\"n\":2} {}'},\n"
    "  {'{\"a\":[{\"b\":[]},{\"b\":[{\"c\":[\"\\xff\"]}]}]}', '\"\\xef\\xbf\\xbd\" {} "
    "{}'},\n"
    "} do\n"
    "  local got = items(case[1])\n"
    "  assert(got == case[2], case[1] .. ' gave ' .. got)\n"
    "end\n"
    "for _, text in ipairs {'', '[]', '{', '{\"a\":5}', '{}x', '{\"a\":[}', "
    "'{\"a\":[{\"b\":[{\"c\":[1}]}]}', ('['):rep(100)} do\n"
    "  local nothing, why = json.items(text, {'a'})\n"
    "  assert(nothing == nil and type(why) == 'string', text)\n"
    "end\n"
    "local next_item, misfits = json.items('{\"a\":[5,{\"b\":7},{\"b\":null},null,"
    "{\"b\":[[],{\"c\":{}}]}]}', {'a', 'b', 'c'})\n"
    "assert(all(next_item) == '')\n"
    "assert(misfits['an element of a is no object'] == 2 and misfits['b is no array'] == 1)\n"
    "assert(misfits['an element of b is no object'] == 1 and misfits['c is no array'] == 1)\n"
    "assert(not pcall(json.items, '{}', {}))\n"
    "assert(not pcall(json.items, '{}', {('x'):rep(40)}))\n"

    "for text, expected in pairs {\n"
    "  [''] = '', ['[]'] = '', ['[1, {\"a\": 2}]'] = '1 {\"a\": 2}', "
    "['{}\\n\\r\\n{\"b\":1}\\r\\n'] = '{} {\"b\":1}',\n"
    "  ['{\\n \"a\": 1\\n}'] = '{\\n \"a\": 1\\n}', ['\\xef\\xbb\\xbf[5]'] = '5', "
    "['x\\n1\\n{\\n2'] = 'false 1 false 2',\n"
    "  ['[1,x,2]'] = '1 false', ['1 2\\n3'] = 'false 3', ['[1'] = '1 false',\n"
    "  ['[1 2]'] = '1 false', ['[1,]'] = '1 false', ['[] x'] = 'false', ['\\0\\1'] = 'false', "
    "['1\\n\\0\\n2'] = '1 false 2',\n"
    "} do\n"
    "  local got = {}\n"
    "  for value in json.values(text) do got[#got + 1] = tostring(value) end\n"
    "  assert(table.concat(got, ' ') == expected, text .. ' gave ' .. table.concat(got, "
    "' '))\n"
    "end\n"

    "for text, expected in pairs {\n"
    "  ['1\\n\\n {x}\\n'] = \"line 3: expected a member's name at byte 3, got x}\",\n"
    "  ['{\\n\\n\"a\": x\\n}'] = 'line 3: expected a value at byte 6, got x',\n"
    "  ['{\"a\":'] = 'line 1: expected a value, got the end after 5 bytes',\n"
    "  ['[1,\\n2'] = 'line 2: expected a comma or ], got the end after 1 bytes',\n"
    "  ['\\0'] = 'line 1: expected a value at byte 1, got NUL',\n"
    "} do\n"
    "  local why\n"
    "  for value, fault in json.values(text) do why = why or not value and fault end\n"
    "  assert(why == expected, text .. ' gave ' .. tostring(why))\n"
    "end\n"
    "assert(select(2, json.values(' \\n')) == false and select(2, json.values('[]')))\n"

    "local messages = require 'spec.helpers.otlp_messages'\n"
    "local encode = require('spec.helpers.protobuf').encode\n"
    "local schema = protobuf.schema(messages)\n"
    "local path = {'resourceLogs', 'scopeLogs', 'logRecords'}\n"
    "local name = 'ExportLogsServiceRequest'\n"
    "local function record(n) return {eventName = n} end\n"
    "local bytes = encode(messages, name, {resourceLogs = {\n"
    "  {resource = {attributes = {{key = 'r1'}}}, scopeLogs = {{scope = {name = 's1'}, "
    "logRecords = {record 'a', record 'b'}}}},\n"
    "  {resource = {attributes = {{key = 'r2'}}}, scopeLogs = {\n"
    "    {scope = {name = 's2'}, logRecords = {}}, {scope = {name = 's3'}, logRecords = "
    "{record 'c'}}}},\n"
    "}})\n"
    "local seen = {}\n"
    "local next_item, broken = schema:items(name, bytes, path)\n"
    "for item, resource, scope in next_item do\n"
    "  seen[#seen + 1] = item.eventName .. (resource and "
    "resource.resource.attributes[1].key or '')\n"
    "    .. (scope and scope.scope.name or '')\n"
    "  assert(not scope or scope.logRecords == nil)\n"
    "end\n"
    "assert(table.concat(seen, ' ') == 'ar1s1 b cr2s3', table.concat(seen, ' '))\n"
    "assert(next(broken) == nil)\n"
    "assert(schema:items(name, '\\x0a\\x7f', path) == nil)\n"
    "assert(not pcall(schema.items, schema, name, '', {'nothing'}))\n"
    /* noise: pieces of a real message in any order end without a complaint from the
       sanitizers */
    "for i = 1, 3000 do\n"
    "  local from = math.random(#bytes)\n"
    "  local piece = bytes:sub(from, from + math.random(60))\n"
    "  local noisy = schema:items(name, '\\x0a' .. string.pack('s1', piece .. "
    "bytes:sub(math.random(#bytes), -1)):sub(1, 120), path)\n"
    "  if noisy then for _ in noisy do end end\n"
    "end\n";

int main(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "json", luaopen_json, 0);
  luaL_requiref(L, "protobuf", luaopen_protobuf, 0);
  int failed = luaL_dostring(L, script);
  if (failed)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  CHECK(!failed);
  lua_close(L);
  return TEST_END;
}
