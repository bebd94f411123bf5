// node openapi.js FILE: what a validator of OpenAPI has to say about it; nothing when it is valid.
const { readFileSync } = require("node:fs");

async function main() {
  const { Validator } = await import("@seriousme/openapi-schema-validator");
  const validator = new Validator();
  const result = await validator.validate(JSON.parse(readFileSync(process.argv[2], "utf8")));
  if (!result.valid) console.log(JSON.stringify(result.errors, null, 2));
  else if (validator.version !== "3.1") console.log(`validated as ${validator.version}`);
  else validator.resolveRefs();
}

main();
