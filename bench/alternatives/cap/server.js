// Serves challenges of Cap's server package over Node's HTTP server: creates
// them, and redeems solutions. It prints its address and serves until its standard
// input ends.
"use strict";

const http = require("node:http");
const Cap = require("@cap.js/server");

// As many puzzles as by default, and of the default size. Their difficulty is the
// least, since the program that measures has to solve them: it makes no difference
// to the server, which computes one hash a puzzle. Tokens stay in memory; the
// default, a file that is written whole with each token, would be slower.
const cap = new Cap({ noFSState: true });
const puzzles = { challengeCount: 50, challengeSize: 32, challengeDifficulty: 1 };
const longest = 16 << 10;

function respond(response, status, what) {
  const body = JSON.stringify(what);
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
  });
  response.end(body);
}

const server = http.createServer((request, response) => {
  const failed = (error) => respond(response, 500, { error: String(error) });
  if (request.method === "GET" && request.url === "/create") {
    cap.createChallenge(puzzles).then((challenge) => respond(response, 200, challenge), failed);
    return;
  }
  if (request.method !== "POST" || request.url !== "/verify") {
    respond(response, 404, { error: "not found" });
    return;
  }
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (part) => {
    body += part;
    if (body.length > longest) request.destroy();
  });
  request.on("end", () => {
    let solution;
    try {
      solution = JSON.parse(body);
    } catch (error) {
      respond(response, 400, { error: String(error) });
      return;
    }
    cap.redeemChallenge(solution).then((result) => respond(response, 200, result), failed);
  });
});

server.listen(0, "127.0.0.1", () => {
  const { address, port } = server.address();
  console.log(`${address}:${port}`);
});
process.stdin.on("end", () => process.exit(0)).resume();
