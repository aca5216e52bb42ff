const element = (id) => document.getElementById(id);

/** @type {WebSocket | null} */
let socket = null;
let openedAt = 0;
let count = 0;
/** Times at which messages left that have not come back; the gateway keeps their order. */
const underWay = [];
const latencies = [];

const listeners = await (await fetch("listeners.json")).json();
const ownListener = location.protocol === "https:" ? "tls" : "plain";

element("page-origin").textContent = location.host;
for (const input of document.getElementsByName("listener")) input.checked = input.value === ownListener;
showAddress();
say("page", "Press Open.");

element("connect").addEventListener("change", showAddress);
element("connect").addEventListener("submit", (event) => {
  event.preventDefault();
  open();
});
element("close").addEventListener("click", () => socket?.close(1000, "closed by hand"));
element("send").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = element("message").value || "hello";
  element("message").value = "";
  send(text);
});
element("send-many").addEventListener("click", () => {
  for (let number = 1; number <= 100; number++) send(`message ${number} of 100`);
});
setInterval(showAge, 250);

function chosen(name) {
  return [...document.getElementsByName(name)].find((input) => input.checked).value;
}

function address() {
  const listener = chosen("listener");
  return `${listener === "tls" ? "wss" : "ws"}://${listeners[listener]}${chosen("path")}`;
}

function showAddress() {
  if (socket === null) element("address").textContent = address();
  element("balancing").textContent =
    chosen("path") === "/sticky" ? "hash $remote_addr consistent" : "round robin";
}

function open() {
  const url = address();
  const opening = new WebSocket(url);
  let wasOpen = false;
  socket = opening;
  element("address").textContent = url;
  element("hint").hidden = true;
  setState("opening", "opening …");
  opening.addEventListener("open", () => {
    wasOpen = true;
    openedAt = performance.now();
    setState("open", "open");
    say("page", `opened ${url}`);
    send("hello");
    element("message").focus();
  });
  opening.addEventListener("message", ({ data }) => receive(data));
  opening.addEventListener("close", ({ code, reason }) => {
    socket = null;
    underWay.length = 0;
    setState(wasOpen ? "closed" : "failed", wasOpen ? `closed with ${code}` : "could not be opened");
    say("closed", `code ${code}${reason === "" ? ", no reason given" : `, reason "${reason}"`}`);
    if (!wasOpen) showHint(url);
    showAddress();
  });
}

function send(text) {
  if (socket?.readyState !== WebSocket.OPEN) return;
  underWay.push(performance.now());
  socket.send(text);
  say("you", text, "sent");
  pulse(element("client-wire"));
  pulse(element("upstream-wire"));
}

function receive(data) {
  const latency = performance.now() - underWay.shift();
  latencies.push(latency);
  count++;
  const { backend, connection, message } = JSON.parse(data);
  say(`backend ${backend}`, message, "received");
  element("backend-name").textContent = `127.0.0.1:${backend}, connection ${connection}`;
  element("latency").textContent = `${latency.toFixed(1)} ms`;
  element("median").textContent = `${median(latencies.slice(-1000)).toFixed(1)} ms`;
  element("count").textContent = String(count);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function setState(state, text) {
  const isOpen = state === "open";
  element("state").dataset.state = state;
  element("state").textContent = text;
  element("open").disabled = state === "open" || state === "opening";
  element("close").disabled = !isOpen;
  for (const id of ["message", "send-button", "send-many"]) element(id).disabled = !isOpen;
  for (const id of ["client-wire", "upstream-wire"]) element(id).classList.toggle("open", isOpen);
  if (!isOpen) element("backend-name").textContent = "none";
}

function showAge() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  element("age").textContent = `${Math.floor((performance.now() - openedAt) / 1000)} s`;
}

function pulse(wire) {
  wire.classList.remove("pulse");
  // Reading a size makes the browser notice the removal, so that the animation starts again.
  void wire.offsetWidth;
  wire.classList.add("pulse");
}

function showHint(url) {
  const hint = element("hint");
  hint.hidden = false;
  hint.textContent = "The gateway's log may say why. ";
  if (!url.startsWith("wss:") || ownListener === "tls") return;
  const link = document.createElement("a");
  link.href = `https://${listeners.tls}/`;
  link.textContent = link.href;
  hint.replaceChildren("The certificate is self-made: open ", link, " once and accept it.");
}

function say(who, text, kind = "note") {
  const entry = document.createElement("li");
  entry.className = kind;
  const whoElement = document.createElement("span");
  whoElement.className = "who";
  whoElement.textContent = who;
  const textElement = document.createElement("span");
  textElement.textContent = text;
  entry.append(whoElement, textElement);
  const log = element("log");
  log.append(entry);
  while (log.childElementCount > 500) log.firstElementChild.remove();
  log.scrollTop = log.scrollHeight;
}
