// Relays many cameras to WebSocket viewers, the published buffers as they are.
//   node cameras.js PORT REDIS_URL live|plain
// A viewer of /?camera_id=X gets each picture of X, the last one at once. One of / says {"op": "watch", "camera_id"}
// for each camera that it wants, and {"op": "ack"} for each picture: one is on its way at a time, the newest of each
// camera in turn.
import Redis from "ioredis";
import { WebSocketServer } from "ws";

const [port, redisUrl, kind] = process.argv.slice(2);
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port), perMessageDeflate: false, backlog: 2048 });
const redis = new Redis(redisUrl);
/** channel → { last, viewers } */
const channels = new Map();

function watch(viewer, camera) {
  const name = `lotcast:{${camera}}:${kind}`;
  let channel = channels.get(name);
  if (channel === undefined) {
    channel = { last: null, viewers: new Set() };
    channels.set(name, channel);
    redis.subscribe(name);
  }
  channel.viewers.add(viewer);
  viewer.watched.push(channel);
  if (channel.last !== null) offer(viewer, name, channel.last);
}

function offer(viewer, name, packed) {
  if (viewer.readyState !== 1) return;
  if (!viewer.acknowledges) viewer.send(packed);
  else if (viewer.inFlight) viewer.pending.set(name, packed); // a camera keeps its place
  else {
    viewer.inFlight = true;
    viewer.send(packed);
  }
}

server.on("connection", (viewer, request) => {
  const camera = new URL(request.url, "http://localhost").searchParams.get("camera_id");
  viewer.watched = [];
  viewer.acknowledges = camera === null;
  viewer.inFlight = false;
  viewer.pending = new Map();
  if (camera !== null) watch(viewer, camera);
  viewer.on("message", (text) => {
    const message = JSON.parse(text);
    if (message.op === "watch") watch(viewer, message.camera_id);
    else if (message.op === "ack") {
      const next = viewer.pending.entries().next();
      viewer.inFlight = !next.done;
      if (!next.done) {
        viewer.pending.delete(next.value[0]);
        viewer.send(next.value[1]);
      }
    }
  });
  viewer.on("close", () => {
    for (const channel of viewer.watched) channel.viewers.delete(viewer);
  });
});

redis.on("messageBuffer", (name, packed) => {
  const channel = channels.get(name.toString());
  channel.last = packed;
  for (const viewer of channel.viewers) offer(viewer, name.toString(), packed);
});
console.log("ready");
