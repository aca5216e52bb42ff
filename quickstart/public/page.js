const element = (id) => document.getElementById(id);

/** @type {WebSocket | null} */
let socket = null;
let openedAt = 0;
let count = 0;
/** The path of the tunnel that is open or opening: what is chosen meanwhile is for the next one. */
let openPath = "";
/** Messages that have not come back; the gateway keeps their order. `alone`: nothing else was under way. */
const underWay = [];
const latencies = [];
/** How many messages of the measurement are still to be sent, each when the one before is back. */
let toMeasure = 0;
let burstLeft = 0;
let burstAt = 0;
let scrollIsDue = false;

const balancing = {
  "/sticky": "hash $remote_addr consistent",
  "/in-turn": "round robin",
  "/impatient": "round robin, 10 s",
};

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
element("measure").addEventListener("click", () => {
  toMeasure = 100;
  measureOne();
});
element("send-many").addEventListener("click", () => {
  burstLeft = underWay.length + 100;
  burstAt = performance.now();
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
  const isNext = socket !== null && address() !== element("address").textContent;
  if (socket !== null) {
    element("hint").hidden = !isNext;
    element("hint").textContent = isNext ? `${address()} is for the next tunnel: close this one first.` : "";
    return;
  }
  element("address").textContent = address();
  element("balancing").textContent = balancing[chosen("path")];
}

function open() {
  const url = address();
  const opening = new WebSocket(url);
  let wasOpen = false;
  showAddress();
  openPath = chosen("path");
  socket = opening;
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
    toMeasure = 0;
    burstLeft = 0;
    setState(wasOpen ? "closed" : "failed", wasOpen ? `closed with ${code}` : "could not be opened");
    say("closed", `code ${code}${reason === "" ? ", no reason given" : `, reason "${reason}"`}`);
    element("hint").hidden = true;
    if (code === 1001 && wasOpen && openPath === "/impatient") {
      say(
        "page",
        "Silent for 10 s: proxy_read_timeout. The gateway's log, on its terminal, has the line at warn.",
      );
    }
    if (!wasOpen) showHint(url);
    showAddress();
  });
}

function send(text) {
  if (socket?.readyState !== WebSocket.OPEN) return;
  underWay.push({ leftAt: performance.now(), alone: underWay.length === 0 });
  socket.send(text);
  say("you", text, "sent");
  pulse(element("client-wire"));
  pulse(element("upstream-wire"));
}

/** Not one click for each: a person's pause between two tells nothing of the gateway. */
function measureOne() {
  if (toMeasure === 0 || underWay.length > 0) return;
  toMeasure--;
  send(`measured alone, ${toMeasure} to go`);
}

function receive(data) {
  const { leftAt, alone } = underWay.shift();
  const latency = performance.now() - leftAt;
  // One that another had followed before it was back has waited in this browser's queue, too.
  if (alone && underWay.length === 0) showLatency(latency);
  if (burstLeft > 0 && --burstLeft === 0) {
    element("burst").textContent = `${(performance.now() - burstAt).toFixed(1)} ms`;
  }
  count++;
  const { backend, connection, message } = JSON.parse(data);
  say(`backend ${backend}`, message, "received");
  element("backend-name").textContent = `127.0.0.1:${backend}, connection ${connection}`;
  element("count").textContent = String(count);
  measureOne();
}

function showLatency(latency) {
  latencies.push(latency);
  if (latencies.length > 1000) latencies.shift();
  element("latency").textContent = `${latency.toFixed(1)} ms`;
  element("median").textContent = `${median(latencies).toFixed(1)} ms`;
  element("measured").textContent = String(latencies.length);
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
  for (const id of ["message", "send-button", "measure", "send-many"]) element(id).disabled = !isOpen;
  for (const id of ["client-wire", "upstream-wire"]) element(id).classList.toggle("open", isOpen);
  if (!isOpen) element("backend-name").textContent = "none";
}

function showAge() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  element("age").textContent = `${Math.floor((performance.now() - openedAt) / 1000)} s`;
}

function pulse(wire) {
  if (underWay.length > 1) return;
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
  scheduleScroll(log);
}

/** Once for each picture: a burst would have the browser lay out the page for each of its lines. */
function scheduleScroll(log) {
  if (scrollIsDue) return;
  scrollIsDue = true;
  requestAnimationFrame(() => {
    scrollIsDue = false;
    log.scrollTop = log.scrollHeight;
  });
}
