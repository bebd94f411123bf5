// Servers that a client meets outside, each behind its path; raw sockets, so that they can lie.
// Says its port first, then a line per request and per connection that its client closes early.
const net = require("node:net");
const zlib = require("node:zlib");

const text = (status, headers, body) =>
  `HTTP/1.1 ${status}\r\n${headers.map((h) => h + "\r\n").join("")}\r\n${body}`;
const whole = (body, ...headers) =>
  text("200 OK", [`Content-Length: ${Buffer.byteLength(body)}`, ...headers], body);

let connections = 0;

// Each gets the socket and the request { path, head, body }.
const behaviours = {
  "/echo": (s, r) => s.write(whole(JSON.stringify({ head: r.head, body: r.body.length }))),
  "/number": (s) => s.write(whole(String(s.number))),
  "/number-for-ages": (s) => s.write(whole(String(s.number),
    "Keep-Alive: timeout=99999999999999999999")),
  "/number-no-more": (s) => s.write(whole(String(s.number),
    "Keep-Alive: timeout=-99999999999999999999")),
  "/close": (s) => s.end(text("200 OK", ["Connection: close"], "to the end")),
  "/chunked": (s) => s.write(text("200 OK", ["Transfer-Encoding: chunked"],
    "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: yes\r\n\r\n")),
  "/early": (s) => s.write("HTTP/1.1 103 Early Hints\r\nX-A: early\r\n\r\n" +
    whole("late", "X-A: late")),
  "/cookies": (s) => s.write(whole("", "Set-Cookie: a=1", "Set-Cookie: b=2")),
  "/gzip": (s) => {
    const body = zlib.gzipSync("moon".repeat(100000));
    s.write(text("200 OK", ["Content-Encoding: gzip", `Content-Length: ${body.length}`], ""));
    s.write(body);
  },
  "/raw-deflate": (s) => {
    const body = zlib.deflateRawSync("moon");
    s.write(text("200 OK", ["Content-Encoding: deflate", `Content-Length: ${body.length}`], ""));
    s.write(body);
  },
  "/cut-gzip": (s) => {
    const body = zlib.gzipSync("moon".repeat(100000)).subarray(0, 100);
    s.write(text("200 OK", ["Content-Encoding: gzip", `Content-Length: ${body.length}`], ""));
    s.write(body);
  },
  "/silent": () => {},
  "/unchanged": (s) => s.write(text("304 Not Modified",
    ["Content-Length: 100", "Content-Encoding: gzip"], "")),
  "/slow-body": (s) => {
    s.write(text("200 OK", ["Content-Length: 100"], "begin"));
  },
  "/drip": (s) => {
    s.write(text("200 OK", ["Content-Length: 1000"], ""));
    const timer = setInterval(() => s.write("x"), 20);
    s.on("close", () => clearInterval(timer));
  },
  "/big": (s) => {
    s.write(text("200 OK", ["Content-Length: 50000000"], ""));
    let left = 500;
    const more = () => {
      while (left-- > 0) if (!s.write("x".repeat(100000))) return s.once("drain", more);
      return undefined;
    };
    more();
  },
  "/dies-in-head": (s) => s.end("HTTP/1.1 200 OK\r\nContent-Le"),
  "/dies-in-body": (s) => s.end(text("200 OK", ["Content-Length: 100"], "half")),
  "/dies-in-chunk": (s) => s.end(text("200 OK", ["Transfer-Encoding: chunked"], "5\r\nab")),
  "/resets": (s) => s.resetAndDestroy(),
  "/no-http": (s) => s.write("SSH-2.0-OpenSSH_9.2\r\n"),
  "/two-lengths": (s) => s.write(text("200 OK", ["Content-Length: 1", "Content-Length: 2"], "ab")),
  "/length-and-chunks": (s) => s.write(text("200 OK",
    ["Content-Length: 3", "Transfer-Encoding: chunked"], "0\r\n\r\n")),
  "/more-than-said": (s) => s.write(text("200 OK", ["Content-Length: 2"], "ab and more")),
  "/endless-head": (s) => {
    s.write("HTTP/1.1 200 OK\r\n");
    for (let i = 0; i < 2000; i++) s.write(`X-${i}: ${"y".repeat(60)}\r\n`);
  },
  "/switches": (s) => s.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
  "/early-no": (s) => s.write(whole("too much", "Connection: close")),
};

function take(s, pending) {
  const end = pending.indexOf("\r\n\r\n");
  if (end < 0) return pending;
  const head = pending.toString("latin1", 0, end);
  const path = head.split(" ")[1].split("?")[0];
  const length = /content-length: *(\d+)/i.exec(head);
  let size = length ? Number(length[1]) : 0;
  let body = pending.subarray(end + 4);
  if (path === "/early-no") size = 0;
  else if (/transfer-encoding: *chunked/i.test(head)) {
    const stop = body.indexOf("0\r\n\r\n");
    if (stop < 0) return pending;
    size = stop + 5;
  } else if (body.length < size) return pending;
  console.log("request " + path);
  (behaviours[path] ?? behaviours["/echo"])(s, { head, body: body.subarray(0, size) });
  return body.subarray(size);
}

net.createServer((s) => {
  let pending = Buffer.alloc(0);
  s.number = ++connections;
  s.on("data", (data) => {
    pending = take(s, Buffer.concat([pending, data]));
  });
  s.on("error", () => {});
  s.on("close", () => console.log("closed " + s.number));
}).listen(0, "127.0.0.1", function listening() {
  console.log("port " + this.address().port);
});
