// SPDX-License-Identifier: AGPL-3.0-only
// A chat box without libraries. The model's text only ever becomes text nodes.
import { EventParser } from "/static/sse.js";

const TEXTS = {
  en: {
    language: "Language", message: "Message", send: "Send", stop: "Stop", clear: "New chat",
    options: "Options", key: "API key (kept in this tab only)", you: "You", model: "Model",
    healthy: "ready", loading: "loading the model", draining: "shutting down",
    unhealthy: "no model", unreachable: "not reachable", stopped: "(stopped)",
    failed: "Failed: ", free: "free", api: "API",
  },
  tr: {
    language: "Dil", message: "Mesaj", send: "Gönder", stop: "Durdur", clear: "Yeni sohbet",
    options: "Seçenekler", key: "API anahtarı (yalnızca bu sekmede tutulur)", you: "Siz",
    model: "Model", healthy: "hazır", loading: "model yükleniyor", draining: "kapanıyor",
    unhealthy: "model yok", unreachable: "ulaşılamıyor", stopped: "(durduruldu)",
    failed: "Hata: ", free: "boş", api: "API",
  },
};
const POLL_MS = 5000;

const $ = (id) => document.getElementById(id);
const messages = [];
let language = navigator.language.toLowerCase().startsWith("tr") ? "tr" : "en";
let running = null;
let state = "loading";
let capacity = null;

const t = (word) => TEXTS[language][word];

function headers() {
  const key = $("key").value.trim();
  return key ? { authorization: `Bearer ${key}` } : {};
}

function translate() {
  document.documentElement.lang = language;
  $("language").value = language;
  for (const node of document.querySelectorAll("[data-text]")) {
    node.textContent = t(node.dataset.text);
  }
  for (const node of document.querySelectorAll("[data-who]")) {
    node.textContent = t(node.dataset.who);
  }
  showStatus();
}

function showStatus() {
  $("dot").className = state;
  const slots = capacity ? ` · ${capacity.available}/${capacity.total} ${t("free")}` : "";
  $("status-text").textContent = t(state) + slots;
}

async function poll() {
  try {
    const health = await (await fetch("/health", { cache: "no-store" })).json();
    state = health.status;
    capacity = health.model_ready ? health.capacity : null;
  } catch {
    state = "unreachable";
    capacity = null;
  }
  showStatus();
  setTimeout(poll, POLL_MS);
}

function addMessage(who) {
  const article = document.createElement("article");
  article.className = who;
  const name = document.createElement("strong");
  name.dataset.who = who;
  name.textContent = t(who);
  const text = document.createElement("p");
  article.append(name, text);
  $("log").append(article);
  return text;
}

function showNotice(text) {
  if (!text) return;
  $("notice").textContent = text;
  $("notice").hidden = false;
}

// Calls `onChunk` with each JSON chunk of the answer; throws with the server's own words.
async function chat(signal, onChunk) {
  const response = await fetch("/v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers() },
    body: JSON.stringify({ messages, stream: true }),
    signal,
  });
  if (!response.ok) {
    const body = await response.json().catch(() => null);
    throw new Error(body?.error?.message ?? `HTTP ${response.status}`);
  }
  const parser = new EventParser();
  const reader = response.body.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    for (const data of parser.push(value)) {
      if (data === "[DONE]") return;
      const chunk = JSON.parse(data);
      if (chunk.error) throw new Error(chunk.error.message);
      onChunk(chunk);
    }
  }
}

function setBusy(busy) {
  $("send").disabled = busy;
  $("stop").disabled = !busy;
  $("log").setAttribute("aria-busy", String(busy));
}

async function send(content) {
  messages.push({ role: "user", content });
  addMessage("you").textContent = content;
  const target = addMessage("model");
  const answer = document.createTextNode("");
  target.append(answer);
  running = new AbortController();
  setBusy(true);
  try {
    await chat(running.signal, (chunk) => {
      showNotice(chunk.notice);
      answer.appendData(chunk.choices?.[0]?.delta?.content ?? "");
      $("log").scrollTop = $("log").scrollHeight;
    });
  } catch (error) {
    const note = document.createElement("em");
    note.textContent = error.name === "AbortError" ? t("stopped") : t("failed") + error.message;
    target.append(" ", note);
  }
  if (answer.data) messages.push({ role: "assistant", content: answer.data });
  else messages.pop();
  running = null;
  setBusy(false);
  $("input").focus();
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const content = $("input").value.trim();
  if (!content || running) return;
  $("input").value = "";
  send(content);
});
$("input").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("form").requestSubmit();
  }
});
$("stop").addEventListener("click", () => running?.abort());
$("clear").addEventListener("click", () => {
  running?.abort();
  messages.length = 0;
  $("log").replaceChildren();
});
$("language").addEventListener("change", (event) => {
  language = event.target.value;
  translate();
});

translate();
poll();
$("input").focus();
