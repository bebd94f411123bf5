#include <lauxlib.h>
#include <lualib.h>

#include "script/bindings/bindings.h"
#include "test.h"

/* What is wrong is the chunk's error, with its line. */
static const char script[] =
    "package.path = 'lua/?.lua;./?.lua'\n"
    "local protobuf, json = require 'protobuf', require 'spec.helpers.json'\n"
    "local messages = require 'spec.helpers.otlp_messages'\n"
    "local encode = require('spec.helpers.protobuf').encode\n"
    "local schema = protobuf.schema(messages)\n"
    "local function decode(name, bytes) return schema:decode(name, bytes) end\n"
    "local any = decode('AnyValue', encode(messages, 'AnyValue', {intValue = -5}))\n"
    "assert(any.intValue == -5)\n"
    "local point = decode('NumberDataPoint', encode(messages, 'NumberDataPoint', {asInt "
    "= -7, asDouble = 0.5}))\n"
    "assert(point.asInt == -7 and point.asDouble == 0.5)\n"
    "local span = {traceId = '5b8efff798038103d269b633813fc60c', name = 'chat', status = "
    "{code = 2, message = 'no'}}\n"
    "local back = decode('Span', encode(messages, 'Span', span))\n"
    "assert(back.traceId == span.traceId and back.name == 'chat' and back.status.code == "
    "2)\n"
    /* a broken value inside a record costs the value, a broken record costs the record */
    "local scope = function(record) return '\\x12' .. string.char(#record) .. record "
    "end\n"
    "local good = '\\x32\\x03\\x0a\\x01k'\n"
    "local bad_value = '\\x32\\x07\\x0a\\x01k\\x12\\x02\\x1a\\x05'\n"
    "local logs, dropped = decode('ScopeLogs', scope(good) .. scope(bad_value) .. "
    "scope('\\x32\\x7f') .. scope(good))\n"
    "assert(#logs.logRecords == 3, #logs.logRecords)\n"
    "assert(logs.logRecords[2].attributes[1].key == 'k' and "
    "logs.logRecords[2].attributes[1].value == nil)\n"
    "assert(dropped.LogRecord == 1 and dropped.AnyValue == 1)\n"
    "local nothing, why = decode('ExportLogsServiceRequest', '\\x0a\\x7f')\n"
    "assert(nothing == nil and why == 'not a ExportLogsServiceRequest')\n"
    "assert(next((decode('ExportLogsServiceRequest', ''))) == nil)\n"
    "assert(next((decode('Status', '\\x50\\x01\\x7a\\x01x'))) == nil, 'unknown fields "
    "are skipped')\n"
    /* values inside values end somewhere */
    "local deep = '\\x0a\\x01x'\n"
    "for _ = 1, 200 do deep = '\\x2a' .. string.pack('s1', '\\x0a' .. string.pack('s1', "
    "deep:sub(1, 200))) end\n"
    "decode('AnyValue', deep)\n"
    /* packed and unpacked lists of numbers */
    "local numbers = protobuf.schema {N = {v = {1, 'int', repeated = true}, d = {2, "
    "'double', repeated = true}}}\n"
    "local n = numbers:decode('N', '\\x0a\\x03\\x01\\x96\\x01' .. '\\x08\\x05' .. "
    "'\\x12\\x08' .. string.pack('<d', 2.5))\n"
    "assert(n.v[1] == 1 and n.v[2] == 150 and n.v[3] == 5 and n.d[1] == 2.5)\n"
    "assert(numbers:decode('N', '\\x0a\\x02\\x01\\x96') == nil)\n"
    "for _, wrong in ipairs {{N = {v = {0, 'int'}}}, {N = {v = {1}}}, {N = {v = {1, "
    "'Tree'}}}, {N = 5}, {{}}} do\n"
    "  assert(not pcall(protobuf.schema, wrong))\n"
    "end\n"
    "assert(not pcall(numbers.decode, numbers, 'M', ''))\n"
    "assert(not pcall(numbers.decode, {}, 'N', ''))\n"
    /* noise */
    "for i = 1, 3000 do\n"
    "  local bytes = {}\n"
    "  for j = 1, 60 do bytes[j] = string.char(math.random(0, math.random(1, 255))) end\n"
    "  decode('ExportLogsServiceRequest', table.concat(bytes))\n"
    "  decode('AnyValue', table.concat(bytes))\n"
    "end\n";

int main(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "protobuf", luaopen_protobuf, 0);
  int failed = luaL_dostring(L, script);
  if (failed)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  CHECK(!failed);
  lua_close(L);
  return TEST_END;
}
