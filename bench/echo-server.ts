/**
 * What sockets alone allow on this machine: uWebSockets.js with nothing behind it. For `bench/ceilings` only.
 *
 *     node dist/bench/echo-server.js echo        sends every message back as it came
 *     node dist/bench/echo-server.js answer      a success of a real order's size for every request in it
 *
 * Prints `listening on PORT` and ends when stdin does.
 */

import uWS from "uWebSockets.js";
import { buildOrderFrames } from "./order-frames.js";

/** More than a client's frames in flight; a dropped answer would make the load generator fail. */
const BACKPRESSURE_BYTES_MAX = 16 * 1024 * 1024;

const REQUEST_ID_AT = buildOrderFrames("", 1, 1).idAt;
const answer = Buffer.concat([
  // {id: uint32, status: 200, result: {14 fields of about an order's size}}
  Buffer.from([0x83, 0xa2, 0x69, 0x64, 0xce, 0, 0, 0, 0]),
  Buffer.from([0xa6, ...Buffer.from("status"), 0xcc, 200, 0xa6, ...Buffer.from("result"), 0x8e]),
  ...Array.from({ length: 14 }, (_, field) => field.toString(16)).map((field) =>
    Buffer.concat([
      Buffer.from([0xa9]),
      Buffer.from(`field000${field}`),
      Buffer.from([0xab]),
      Buffer.alloc(11, field),
    ]),
  ),
]);
const ANSWER_ID_AT = 5;

/** One answer for each request of the message, with its id; an array for an array. */
function answersTo(message: Buffer): Buffer {
  const head = message[0]!;
  const isArray = head === 0xdc || (head & 0xf0) === 0x90;
  const headBytes = isArray ? (head === 0xdc ? 3 : 1) : 0;
  const count = isArray ? (head === 0xdc ? message.readUInt16BE(1) : head & 15) : 1;
  const requestBytes = (message.length - headBytes) / count;
  const answers = Buffer.allocUnsafe(headBytes + count * answer.length);
  message.copy(answers, 0, 0, headBytes);
  for (let i = 0; i < count; i++) {
    const at = headBytes + i * answer.length;
    answers.set(answer, at);
    const id = headBytes + i * requestBytes + REQUEST_ID_AT;
    message.copy(answers, at + ANSWER_ID_AT, id, id + 4);
  }
  return answers;
}

const isEcho = process.argv[2] === "echo";
const app = uWS.App().ws("/*", {
  maxPayloadLength: 16 * 1024 * 1024,
  maxBackpressure: BACKPRESSURE_BYTES_MAX,
  message: (socket, message) => {
    socket.send(isEcho ? message : answersTo(Buffer.from(message)), true);
  },
});
app.listen("127.0.0.1", 0, (listening) => {
  if (!listening) process.exit(1);
  console.log(`listening on ${uWS.us_socket_local_port(listening)}`);
});
process.stdin.on("end", () => process.exit(0)).resume();
