// The player: the browser's own where it can play such streams, else hls.js, which is loaded only then. An address of a
// stream has its time; when that is over the page is asked for another, and the film goes on from the same second.
"use strict";

const video = document.querySelector("video[data-again]");
const trouble = document.querySelector("[data-trouble]");
const KIND = "application/vnd.apple.mpegurl";
const REFUSED = [403, 404, 410];
const MOST_TRIES = 3;
const STUCK_SECONDS = 4;

let plays = video.canPlayType(KIND) !== "";
let hls = null;
let tries = 0;
let second = 0;
let isGoing = false;
let isAsking = false;

function load(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}

async function start(url) {
  if (plays) {
    video.src = url;
    video.addEventListener("loadedmetadata", goOn, { once: true });
    return;
  }
  if (!window.Hls) await load(video.dataset.hls);
  if (!window.Hls.isSupported()) throw new Error("no way to play this stream");
  hls?.destroy();
  // a worker would be a script from a blob, which pages do not run
  hls = new window.Hls({ enableWorker: false, startPosition: second || -1 });
  hls.on(window.Hls.Events.ERROR, (_, fault) => {
    if (REFUSED.includes(fault.response?.code)) askAgain();
    else if (!fault.fatal) return;
    else if (fault.type === window.Hls.ErrorTypes.MEDIA_ERROR && tries++ < MOST_TRIES) hls.recoverMediaError();
    else askAgain();
  });
  hls.on(window.Hls.Events.MANIFEST_PARSED, goOn);
  hls.loadSource(url);
  hls.attachMedia(video);
}

function goOn() {
  if (second && plays) video.currentTime = second;
  if (isGoing) video.play().catch(() => {});
}

async function askAgain() {
  if (isAsking) return;
  if (tries++ >= MOST_TRIES) {
    trouble.hidden = false;
    return;
  }
  isAsking = true;
  try {
    const answer = await fetch(video.dataset.again, { headers: { Accept: "application/json" } });
    // the right has ended, or the session: the page itself says what to do
    if (answer.status < 500 && !answer.ok) location.reload();
    else if (answer.ok) await start((await answer.json()).url);
    else trouble.hidden = false;
  } catch {
    trouble.hidden = false;
  } finally {
    isAsking = false;
  }
}

// a browser that plays by itself may wait for a part that is refused without a word: then the address is looked at
let stuckSeconds = 0;
let lastSeen = 0;

async function look() {
  stuckSeconds = isGoing && !isAsking && !video.ended && video.currentTime === lastSeen ? stuckSeconds + 1 : 0;
  lastSeen = video.currentTime;
  if (hls || stuckSeconds < STUCK_SECONDS) return;
  stuckSeconds = 0;
  const answer = await fetch(video.src).catch(() => null);
  if (answer && REFUSED.includes(answer.status)) askAgain();
}

setInterval(look, 1000);

video.addEventListener("timeupdate", () => {
  // while another address is being opened the clock stands at nought
  if (isAsking || !video.currentTime || video.error) return;
  if (video.currentTime > second + 0.5) {
    tries = 0;
    trouble.hidden = true;
  }
  second = video.currentTime;
});
video.addEventListener("play", () => {
  isGoing = true;
});
video.addEventListener("pause", () => {
  if (!isAsking && !video.error && video.readyState >= 2) isGoing = false;
});
video.addEventListener("error", () => {
  if (hls) return; // it tells of its errors itself
  // what the browser says it plays but does not is played the other way
  if (plays && !second && video.error?.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED) {
    plays = false;
    start(video.src).catch(() => {
      trouble.hidden = false;
    });
  } else {
    askAgain();
  }
});

if (!plays || video.error) {
  plays = false;
  start(video.src).catch(() => {
    trouble.hidden = false;
  });
}
