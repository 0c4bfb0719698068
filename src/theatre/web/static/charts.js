// Charts: lines over days, out of what stands in the page. The table beside each tells the same without them.
"use strict";

const probe = document.body.appendChild(document.createElement("i"));

// a token may hold light and dark in one: only a painted element knows which of them is meant
function colour(token) {
  probe.style.color = `var(${token})`;
  return getComputedStyle(probe).color;
}

const locale = document.documentElement.lang === "ru" ? "ru" : "en-GB";
const short = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });

function draw(place) {
  const { days, series, labels } = JSON.parse(place.dataset.chart);
  const line = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const strokes = [colour("--accent-text"), colour("--bad"), colour("--good")];
  const size = () => ({ width: place.clientWidth, height: 240 });
  place.replaceChildren();
  const options = {
    ...size(),
    tzDate: (at) => uPlot.tzDate(new Date(at * 1e3), "UTC"),
    cursor: { drag: { x: false, y: false } },
    series: [
      { label: place.dataset.day, value: (_, at) => (at == null ? "" : day.format(at * 1e3)) },
      ...labels.map((label, at) => ({
        label,
        stroke: strokes[at % strokes.length],
        width: 2,
        dash: [[], [6, 4], [2, 3]][at % 3],
        points: { show: days.length < 40 },
        value: (_, value) => (value == null ? "" : whole.format(value)),
      })),
    ],
    axes: [
      { ...line, values: (_, marks) => marks.map((at) => day.format(at * 1e3)), space: 70 },
      { ...line, values: (_, marks) => marks.map((value) => short.format(value)), size: 70 },
    ],
  };
  const chart = new uPlot(options, [days.map((at) => Date.parse(at) / 1e3), ...series], place);
  new ResizeObserver(() => chart.setSize(size())).observe(place);
}

for (const place of document.querySelectorAll("[data-chart]")) draw(place);
probe.remove();
