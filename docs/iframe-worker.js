// Browsers give no web worker to a page that was read from a disk, and the search wants one: a
// hidden frame takes its place.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inside = this.frame.contentWindow;
      window.addEventListener("message", (event) => {
        if (event.source !== inside) return;
        const told = new MessageEvent("message", { data: event.data });
        this.dispatchEvent(told);
        if (this.onmessage) this.onmessage(told);
      });
      this.ready = new Promise((done) => { inside.workerIsReady = done; });
      const page = this.frame.contentDocument;
      page.open();
      page.write(`<script>
        window.postMessage = (data) => parent.postMessage(data, "*");
        window.importScripts = (...urls) => urls.reduce((before, url) => before.then(() =>
          new Promise((loaded) => {
            const script = document.createElement("script");
            script.src = url;
            script.onload = loaded;
            document.body.append(script);
          })), Promise.resolve());
      <\/script><body><script src="${url}"><\/script><script>workerIsReady()<\/script></body>`);
      page.close();
    }

    postMessage(data) {
      this.ready.then(() =>
        this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() { this.frame.remove(); }
  };
}
