// Comfort only: every page works without this script.

// That it ran is part of what was shown.
for (const input of document.querySelectorAll("input[data-script]")) input.value = "on";

// A password can be looked at.
for (const input of document.querySelectorAll("input[data-show]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = input.dataset.show;
  button.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-controls", input.id);
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.textContent = shown ? input.dataset.hide : input.dataset.show;
    button.setAttribute("aria-pressed", String(shown));
  });
  input.parentElement.append(button);
  input.form?.addEventListener("submit", () => { input.type = "password"; });
}

// A whole page of people is ticked at once.
for (const group of document.querySelectorAll("[data-all]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn sm";
  button.textContent = group.dataset.all;
  button.addEventListener("click", () => {
    const boxes = [...group.closest("form").querySelectorAll("input[type=checkbox]")], off = boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = !off;
  });
  group.prepend(button);
}

// What is wrong is read first.
document.querySelector("[data-focus]")?.focus();

// A form is sent once.
for (const form of document.querySelectorAll("form[method=post]")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) { event.preventDefault(); return; }
    sent = true;
    event.submitter?.setAttribute("aria-disabled", "true");
    setTimeout(() => { sent = false; event.submitter?.removeAttribute("aria-disabled"); }, 8000);
  });
}

// What was typed is not lost by accident.
for (const form of document.querySelectorAll("form[data-guard]")) {
  let leaving = false;
  const changed = () => [...form.elements].some((e) =>
    e.type === "checkbox" || e.type === "radio" ? e.checked !== e.defaultChecked
      : e.tagName === "SELECT" ? [...e.options].some((o) => o.selected !== o.defaultSelected)
        : "defaultValue" in e && e.type !== "hidden" && e.value !== e.defaultValue);
  form.addEventListener("submit", () => { leaving = true; });
  addEventListener("beforeunload", (event) => { if (!leaving && changed()) event.preventDefault(); });
}

// A brand's colour is seen while it is chosen.
for (const swatch of document.querySelectorAll("input[data-contrast]")) {
  const field = document.getElementById(swatch.dataset.for), sheet = document.createElement("link");
  let asked = 0;
  sheet.rel = "stylesheet";
  swatch.hidden = false;
  const attempt = async (colour) => {
    const mine = ++asked, answer = await fetch(`${swatch.dataset.contrast}?colour=${encodeURIComponent(colour)}`);
    if (!answer.ok || mine !== asked) return;
    const tried = await answer.json();
    for (const [name, text] of Object.entries(tried.cells)) document.querySelector(`[data-cell=${name}]`).textContent = text;
    document.querySelector("[data-verdict]").textContent = tried.verdict;
    sheet.href = tried.sheet;
    document.head.append(sheet);
  };
  swatch.addEventListener("input", () => { field.value = swatch.value; attempt(swatch.value); });
  field.addEventListener("input", () => { if (/^#[\da-f]{6}$/i.test(field.value)) { swatch.value = field.value; attempt(field.value); } });
}

// What is under way shows how far it is, and the page as it is once it is done.
const underway = document.querySelector("progress[data-reload]");
if (underway) {
  const look = async () => {
    const answer = await fetch("/account/data").catch(() => null);
    const page = answer?.ok ? await answer.text() : "data-reload";
    if (!page.includes("data-reload")) { location.assign("/account/data"); return; }
    const done = /<progress value="(\d+)" max="(\d+)"/.exec(page);
    if (done) { underway.max = Number(done[2]); underway.value = Number(done[1]); }
    setTimeout(look, 2000);
  };
  setTimeout(look, 1500);
}

// A short session says two minutes before that it ends, and goes on with one press. Any page of ours keeps it going.
const idle = document.getElementById("idle");
if (idle) {
  const seconds = Number(idle.dataset.seconds);
  let timer;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const region = document.createElement("div");
      region.setAttribute("role", "status");
      document.getElementById("main").prepend(region);
      region.append(idle.content.cloneNode(true));
      region.querySelector("button").addEventListener("click", async () => {
        const answer = await fetch("/account/stay", { method: "HEAD", redirect: "manual" }).catch(() => null);
        if (!answer?.ok) { location.reload(); return; }
        region.remove();
        wait();
      });
    }, Math.max(seconds - 120, 0) * 1000);
  };
  if (seconds > 120) wait();
}
