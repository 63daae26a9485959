// Reads an AsyncAPI document with the official parser: `node check.mjs FILE`, exit code 1 when
// something in it is wrong, each thing on a line of its own.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
import { ProtoBuffSchemaParser } from "@asyncapi/protobuf-schema-parser";

// Rules that say how a document could be nicer, not that it is wrong.
const MATTERS_OF_TASTE = new Set(["asyncapi-latest-version"]);

const parser = new Parser();
parser.registerSchemaParser(ProtoBuffSchemaParser());
const { document, diagnostics } = await parser.parse(readFileSync(process.argv[2], "utf8"));
const wrong = diagnostics.filter(
  ({ code, severity }) => severity <= 1 && !MATTERS_OF_TASTE.has(String(code)),
);
for (const { range, path, code, message } of wrong) {
  console.log(`line ${range.start.line + 1} /${path.join("/")}: ${code} ${message}`);
}
if (!document || wrong.length > 0) {
  process.exitCode = 1;
} else {
  const channels = document.channels().all();
  console.log(`${channels.length} channels, ${document.allMessages().length} messages`);
}
