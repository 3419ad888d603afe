/**
 * The HTTP side of AWS's runtime client for Node.js, where its package has a native addon (`rapid-client.node`).
 *
 * The addon is three functions over libcurl, which must be compiled with CMake when it is installed and does not
 * build on macOS. This does the same over one kept connection: `next` waits in the event loop; `done` and `error`
 * return when the answer was taken, because the client may end the process right after.
 */
"use strict";

const fs = require("node:fs");
const net = require("node:net");

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const pause = new Int32Array(new SharedArrayBuffer(4));
const ROOT = "/2018-06-01/runtime/invocation/";

let socket = null;
let waiting = null;
let received = Buffer.alloc(0);

/** Status, headers and body of a whole answer at the beginning of `data`; null while it is not whole. */
function parsed(data) {
  const end = data.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const lines = data.toString("utf8", 0, end).split("\r\n");
  const headers = {};
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const length = Number(headers["content-length"] ?? 0);
  if (data.length < end + 4 + length) return null;
  return { status: Number(lines[0].split(" ")[1]), headers, body: data.toString("utf8", end + 4, end + 4 + length) };
}

function failed(error) {
  const { reject } = waiting ?? {};
  waiting = socket = null;
  if (reject) reject(error);
}

function open() {
  received = Buffer.alloc(0);
  socket = net.connect({ host, port: Number(port), noDelay: true });
  socket.on("error", failed);
  socket.on("close", () => failed(new Error("Failed to get next invocation: the connection was closed")));
  socket.on("data", (data) => {
    received = received.length ? Buffer.concat([received, data]) : data;
    const answer = waiting && parsed(received);
    if (!answer) return;
    received = Buffer.alloc(0);
    const { resolve } = waiting;
    waiting = null;
    // From here on only the handler's own work may keep the event loop alive.
    socket.unref();
    resolve({ bodyJson: answer.body, headers: answer.headers });
  });
}

function next() {
  if (socket === null) open();
  socket.ref();
  return new Promise((resolve, reject) => {
    waiting = { resolve, reject };
    socket.write(`GET ${ROOT}next HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
  });
}

/** Try until the other side takes or gives something: the descriptor never blocks by itself. */
function patiently(attempt) {
  for (let tries = 0; ; tries++) {
    try {
      return attempt();
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      if (tries > 50) Atomics.wait(pause, 0, 0, tries > 100 ? 1 : 0.05);
    }
  }
}

function post(path, body, more = "") {
  const descriptor = socket._handle.fd;
  const data = Buffer.from(body, "utf8");
  const head =
    `POST ${ROOT}${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${data.length}\r\n${more}\r\n`;
  const request = Buffer.concat([Buffer.from(head, "utf8"), data]);
  for (let at = 0; at < request.length; ) {
    at += patiently(() => fs.writeSync(descriptor, request, at, request.length - at));
  }
  const piece = Buffer.alloc(4096);
  let answer = Buffer.alloc(0);
  while (!parsed(answer)) {
    const size = patiently(() => fs.readSync(descriptor, piece, 0, piece.length, null));
    if (size === 0) throw new Error("the connection to the Runtime API was closed");
    answer = Buffer.concat([answer, piece.subarray(0, size)]);
  }
}

function done(id, body) {
  post(`${id}/response`, body);
}

function error(id, body, cause) {
  const header = cause.length < 1024 * 1024 ? `Lambda-Runtime-Function-XRay-Error-Cause: ${cause}\r\n` : "";
  post(`${id}/error`, body, header);
}

module.exports = { next, done, error };
