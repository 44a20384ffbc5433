// The stream of changes, once per browser: a SharedWorker holds the one EventSource and hands every event to all open
// pages, because HTTP/1.1 allows six connections to a host. Where there is no SharedWorker, a page loads this same file
// as a module and gets a stream of its own.
//
// Pages get { kind: "up" | "down" | "signed_out" } and { kind: "event", data: "<JSON>" }.

const STREAM = "/api/v1/events";
const NAMES = [
  "container_changed", "container_removed", "fleet_changed", "host_changed", "host_removed",
  "schedule_changed", "schedule_deleted", "run_changed", "run_progress", "reset",
];

function stream(tell) {
  let source, timer, state = "down", wait = 1000;

  const set = (next) => {
    if (state === next) return;
    state = next;
    tell({ kind: next });
  };

  const connect = () => {
    clearTimeout(timer);
    source?.close();
    // A page reads everything again when this says "up", so nothing has to be resumed.
    source = new EventSource(STREAM);
    source.onopen = () => { wait = 1000; set("up"); };
    source.onerror = () => {
      set("down");
      // Closed for good (an answer other than 200): ask why, and try again later and later.
      if (source.readyState === EventSource.CLOSED) {
        timer = setTimeout(probe, wait);
        wait = Math.min(wait * 2, 15000);
      }
    };
    for (const name of NAMES) {
      source.addEventListener(name, (event) => tell({ kind: "event", data: event.data }));
    }
  };

  const probe = async () => {
    try {
      const answer = await fetch("/_fn/auth/me", { headers: { accept: "application/json" }, cache: "no-store" });
      if (answer.status === 401) {
        set("signed_out");
        timer = setTimeout(probe, 15000);
        return;
      }
    } catch { /* not reachable: connecting says so again */ }
    connect();
  };

  connect();
  return { state: () => state, retry: () => { wait = 1000; if (state !== "up") connect(); } };
}

if (typeof SharedWorkerGlobalScope !== "undefined" && self instanceof SharedWorkerGlobalScope) {
  const ports = new Set();
  let live;
  self.onconnect = ({ ports: [port] }) => {
    ports.add(port);
    port.onmessage = ({ data }) => {
      if (data === "bye") ports.delete(port);
      if (data === "retry") live.retry();
    };
    live ??= stream((message) => { for (const each of ports) each.postMessage(message); });
    port.postMessage({ kind: live.state() });
    // A page that signed in again shares this worker with the one that was signed out.
    if (live.state() !== "up") live.retry();
  };
} else {
  const live = stream((message) => self.dispatchEvent(new CustomEvent("chrontainer-live", { detail: message })));
  self.addEventListener("chrontainer-live-retry", live.retry);
}
