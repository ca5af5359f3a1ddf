importScripts("{{API}}/push-worker.js");
