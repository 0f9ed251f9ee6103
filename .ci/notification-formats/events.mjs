// Each file named is one event of CloudEvents' structured mode, as the library of its authors reads and validates it.
import { readFileSync } from "node:fs";
import { CloudEvent, HTTP } from "cloudevents";

for (const file of process.argv.slice(2)) {
  const body = readFileSync(file, "utf8");
  const headers = { "content-type": "application/cloudevents+json; charset=utf-8" };
  const event = HTTP.toEvent({ headers, body });
  // Strict: what is against the schema of version 1.0 throws.
  event.validate();
  new CloudEvent(JSON.parse(body), true);
}
