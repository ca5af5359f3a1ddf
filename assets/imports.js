/* Files that are uploaded past the websocket: chosen or dropped, streamed, their progress shown. */
(() => {
  "use strict";
  let running = null;
  const place = (node) => (node instanceof Element ? node.closest("[data-upload]") : null);
  const part = (zone, name) => zone.querySelector(`[data-part="${name}"]`);

  document.addEventListener("change", (event) => {
    const zone = place(event.target);
    if (!zone || event.target.type !== "file" || !event.target.files.length) return;
    send(zone, event.target.files[0]);
    event.target.value = "";
  });
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest('[data-part="stop"]') && running) running.abort();
  });
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      const zone = place(event.target);
      if (!zone) return;
      event.preventDefault();
      zone.dataset.over = "true";
    });
  }
  document.addEventListener("dragleave", (event) => {
    const zone = place(event.target);
    if (zone && !zone.contains(event.relatedTarget)) delete zone.dataset.over;
  });
  document.addEventListener("drop", (event) => {
    const zone = place(event.target);
    if (!zone) return;
    event.preventDefault();
    delete zone.dataset.over;
    if (event.dataTransfer.files.length) send(zone, event.dataTransfer.files[0]);
  });
  window.addEventListener("beforeunload", (event) => {
    if (running) event.preventDefault();
  });

  function send(zone, file) {
    if (running) return;
    if (!file.size) return refuse(zone, "The file is empty.");
    const asked = new URLSearchParams({ kind: zone.dataset.kind, list_id: zone.dataset.list || "", filename: file.name });
    running = new XMLHttpRequest();
    running.open("POST", `/files/imports?${asked}`);
    running.setRequestHeader("Content-Type", "application/octet-stream");
    running.responseType = "json";
    running.upload.onprogress = (event) => show(zone, file, event.loaded, event.total);
    running.onload = () => done(zone, running);
    running.onerror = () => done(zone, null, "The connection broke off. Try again.");
    running.onabort = () => done(zone, null, "");
    refuse(zone, "");
    show(zone, file, 0, file.size);
    part(zone, "busy").hidden = false;
    part(zone, "idle").hidden = true;
    running.send(file);
  }

  function show(zone, file, loaded, total) {
    const percent = total ? Math.floor((100 * loaded) / total) : 0;
    part(zone, "fill").style.width = `${percent}%`;
    part(zone, "fill").parentElement.setAttribute("aria-valuenow", percent);
    part(zone, "name").textContent = file.name;
    part(zone, "done").textContent = loaded < total ? `${size(loaded)} of ${size(total)}` : "Reading the file…";
  }

  function done(zone, request, sentence) {
    running = null;
    if (request && request.status === 201) return location.assign(`/import/${request.response.id}`);
    part(zone, "busy").hidden = true;
    part(zone, "idle").hidden = false;
    refuse(zone, sentence === undefined ? told(request) : sentence);
  }

  function told(request) {
    const problem = request.response || {};
    const wrong = (problem.errors || [])[0];
    if (wrong) return wrong.field === "file" ? `The file ${wrong.message}.` : `${wrong.field} ${wrong.message}.`;
    return problem.detail || "The file was not taken. Try again.";
  }

  function refuse(zone, sentence) {
    part(zone, "wrong").textContent = sentence;
    part(zone, "wrong").hidden = !sentence;
  }

  function size(bytes) {
    const mega = bytes / 1024 / 1024;
    return mega >= 1 ? `${mega.toFixed(1)} MB` : `${Math.ceil(bytes / 1024)} kB`;
  }
})();
