// Serves on a free port of this machine, and answers 204 to what the module's `verified` takes, else 400.
// Arguments: the module's path, and the key. Ends when its standard input does.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [path, key] = process.argv.slice(2);
const { verified } = await import(pathToFileURL(path));

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  response.writeHead(verified(Buffer.concat(chunks), request.headers, key) ? 204 : 400).end();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
