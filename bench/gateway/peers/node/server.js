// Relays one Redis channel to WebSocket viewers: the published buffer as it is, or one JSON string made once.
//   node server.js PORT REDIS_URL CHANNEL binary|json
import { decode } from "@msgpack/msgpack";
import Redis from "ioredis";
import { WebSocketServer } from "ws";

const [port, redisUrl, channel, form] = process.argv.slice(2);
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port), perMessageDeflate: false });
const redis = new Redis(redisUrl);

function toJson(packed) {
  const message = decode(packed);
  const picture = Buffer.from(message.frame.buffer, message.frame.byteOffset, message.frame.byteLength);
  return JSON.stringify({ ...message, frame: `data:image/jpeg;base64,${picture.toString("base64")}` });
}

redis.on("messageBuffer", (_channel, packed) => {
  const data = form === "json" ? toJson(packed) : packed;
  for (const viewer of server.clients) {
    if (viewer.readyState === 1) viewer.send(data);
  }
});
await redis.subscribe(channel);
console.log("ready");
