/**
 * How the player looks. Inside its shadow root, so that it looks the same on every page.
 *
 * The picture's box has its shape before any picture comes, and cards lie over it: nothing on the page
 * ever moves. A card comes in at full opacity (its first frame must show it); only its place settles.
 */

export function playerStyles(): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  return sheet;
}

const CSS = `
:host {
  display: block;
  position: relative;
  container-type: inline-size;
  aspect-ratio: 16 / 9;
  overflow: hidden;
  background: #101217;
  color: #fff;
  border-radius: var(--shopcast-radius, 16px);
  font: 500 14px/1.35 var(--shopcast-font, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif);
  isolation: isolate;
  --controls: 204px; /* Three buttons, one of them with its caption. */
}
:host([hidden]) { display: none; }
:host(:fullscreen) { border-radius: 0; }
[hidden] { display: none !important; }
video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }

.badge {
  position: absolute; inset: 12px auto auto 12px;
  display: flex; align-items: center; gap: 6px;
  padding: 4px 9px 4px 8px; border-radius: 8px;
  background: #e5233d; font-size: 11px; font-weight: 700; letter-spacing: .06em;
}
.badge::before { content: ""; width: 6px; height: 6px; border-radius: 50%; background: #fff; }

.controls { position: absolute; inset: 10px 10px auto auto; display: flex; gap: 6px; }
.controls button {
  display: flex; align-items: center; gap: 6px;
  height: 36px; min-width: 36px; padding: 0 8px;
  border: 0; border-radius: 18px; background: rgb(16 18 23 / .56); color: inherit;
  font: inherit; cursor: pointer; backdrop-filter: blur(8px);
}
.controls button:hover { background: rgb(16 18 23 / .8); }
.controls button:focus-visible { outline: 2px solid #fff; outline-offset: 2px; }
.controls svg { width: 20px; height: 20px; fill: currentColor; }
.controls .caption { display: none; }
.controls .wide { padding: 0 14px 0 10px; }
.controls .wide .caption { display: inline; font-size: 13px; }

.cards {
  position: absolute; inset: auto 12px 12px 12px;
  display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 10px;
  margin: 0; padding: 0; list-style: none; pointer-events: none;
}
.card {
  display: flex; gap: 10px; align-items: center; min-width: 0;
  padding: 8px; border-radius: 14px;
  background: #fff; color: #16181d;
  box-shadow: 0 6px 24px rgb(0 0 0 / .28), 0 0 0 1px rgb(0 0 0 / .04);
  pointer-events: auto;
  animation: settle .28s cubic-bezier(.2, .9, .3, 1.2);
}
.card[data-slot="0"] { grid-column: 1; }
.card[data-slot="1"] { grid-column: 2; }
.card[data-slot="2"] { grid-column: 3; }
.cards .card { grid-row: 1; }
@keyframes settle { from { transform: translateY(10px) scale(.98); } }
.picture {
  flex: none; width: 64px; height: 64px; border-radius: 9px; overflow: hidden;
  background: linear-gradient(135deg, #f1eee8, #e3ded4);
}
.picture img { display: block; width: 100%; height: 100%; object-fit: cover; }
.text { min-width: 0; flex: 1; }
.title {
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden;
  font-size: 13px; line-height: 1.25; overflow-wrap: anywhere; unicode-bidi: isolate;
}
.price { margin-top: 3px; font-size: 15px; font-weight: 700; line-height: 1.2; }
.price > * { white-space: nowrap; } /* A price may go to the next line, but is never cut short. */
.price s { font-size: 12px; font-weight: 500; color: #6a6e78; }
.price:has(s) .now { color: #c8102e; }
.countdown { margin-top: 2px; font-size: 12px; font-weight: 700; font-variant-numeric: tabular-nums; color: #c8102e; }
.countdown.over { color: #5a5e68; }
.stock { font-size: 11px; color: #5a5e68; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.sold-out .picture, .sold-out .title, .sold-out .price { opacity: .5; }
.sold-out .price .now { color: inherit; }
.sold-out .stock { color: #16181d; font-weight: 700; }

.stage { position: absolute; inset: 0; pointer-events: none; }
.words {
  position: absolute; inset: 48px auto auto 12px; max-width: min(340px, 60%); max-height: calc(100% - 136px);
  display: grid; gap: 8px; margin: 0; padding: 0; list-style: none; overflow: hidden auto; scrollbar-width: none;
}
.word {
  padding: 9px 12px; border-radius: 12px; background: rgb(255 255 255 / .96); color: #16181d;
  box-shadow: 0 4px 18px rgb(0 0 0 / .24); pointer-events: auto; justify-self: start;
  animation: settle .28s cubic-bezier(.2, .9, .3, 1.2);
}
.word .title { font-size: 14px; line-height: 1.3; -webkit-line-clamp: 4; }
.word .code {
  display: inline-block; margin-top: 5px; padding: 2px 8px; border: 1px dashed #8b8f99; border-radius: 6px;
  font: 700 14px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; unicode-bidi: isolate; user-select: all;
}
.word .terms { margin-top: 4px; font-size: 12px; color: #5a5e68; overflow-wrap: anywhere; unicode-bidi: isolate; }
.word ol { margin: 6px 0 0; padding: 0; list-style: none; display: grid; gap: 4px; }
.word ol li { padding: 4px 10px; border-radius: 8px; background: #eef0f4; font-size: 13px; overflow-wrap: anywhere; unicode-bidi: isolate; }
.word[data-kind="notice"] { order: -1; } /* What must be said is not what is cut off. */
.word[data-level="disclosure"] { background: rgb(16 18 23 / .82); color: #fff; }
.word[data-level="warning"] { background: #ffd84d; }

.for-screen-reader {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}

.notice {
  position: absolute; inset: 0; padding: 24px;
  display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 8px;
  text-align: center; background: rgb(16 18 23 / .72); backdrop-filter: blur(6px);
}
.notice strong { font-size: 17px; font-weight: 650; }
/* What passes by itself leaves the last picture and its cards to be seen. */
.notice[data-status="interrupted"] {
  inset: 12px auto auto 12px; max-width: calc(100% - 24px - var(--controls)); padding: 8px 14px 8px 10px;
  display: grid; grid-template-columns: auto 1fr; gap: 0 10px; align-items: center; text-align: start;
  border-radius: 14px; background: rgb(16 18 23 / .82); backdrop-filter: none;
}
.notice[data-status="interrupted"] strong { font-size: 14px; }
.notice[data-status="interrupted"] p { grid-column: 2; font-size: 13px; }
.notice[data-status="interrupted"] .pulse { grid-row: span 2; width: 20px; height: 20px; margin: 0; }
.notice p { margin: 0; max-width: 46ch; color: #c9ccd4; overflow-wrap: anywhere; }
.notice[data-status="refused"] p { color: #fff; }
.pulse { width: 34px; height: 34px; margin-bottom: 6px; border-radius: 50%; border: 3px solid rgb(255 255 255 / .25); border-top-color: #fff; animation: turn 1s linear infinite; }
@keyframes turn { to { transform: rotate(1turn); } }
.notice:is([data-status="refused"], [data-status="ended"], [data-status="unsupported"]) .pulse { display: none; }

@container (max-width: 720px) {
  .cards { inset: auto 8px 8px 8px; gap: 6px; }
  .card { gap: 8px; padding: 6px; border-radius: 12px; }
  .picture { width: 52px; height: 52px; border-radius: 8px; }
  .title { font-size: 12px; line-height: 1.2; }
  .price { margin-top: 2px; font-size: 13px; }
  .price s { font-size: 11px; }
  .words { inset: 40px auto auto 8px; gap: 6px; }
  .word { padding: 6px 9px; }
  .word .title { font-size: 12px; -webkit-line-clamp: 3; }
  .word ol li, .word .terms { font-size: 11px; }
}
@container (max-width: 500px) {
  .card { flex-direction: column; align-items: stretch; gap: 4px; }
  .picture { width: 100%; height: 44px; }
  .picture img { object-fit: contain; }
  .title { -webkit-line-clamp: 1; }
  .stock { font-size: 10px; }
  .badge { inset: 8px auto auto 8px; }
  /* Between the badge and the products there is one line: words stand side by side in it. */
  .words { inset: 38px 8px auto 8px; max-width: none; display: flex; overflow: auto hidden; pointer-events: auto; }
  .word { flex: none; max-width: 80%; max-height: 28px; overflow: hidden; padding: 4px 8px; border-radius: 9px; }
  .word[data-kind="poll"] { display: flex; gap: 6px; align-items: center; max-width: none; }
  .word .title { -webkit-line-clamp: 1; font-size: 11px; }
  .word:not([data-kind="poll"]) .title:has(+ .for-screen-reader + .code) { display: inline; }
  .word .code { margin: 0 0 0 6px; padding: 0 6px; font-size: 11px; }
  .word .terms, .word[data-kind="coupon"] .countdown { display: none; }
  .word ol { grid-auto-flow: column; justify-content: start; margin: 0; }
  .word ol li { padding: 0 7px; font-size: 10px; white-space: nowrap; }
  .controls { inset: 6px 6px auto auto; }
  .notice { padding: 12px; font-size: 12px; }
  .notice strong { font-size: 15px; }
  .notice[data-status="interrupted"] { inset: 8px auto auto 8px; padding: 6px 10px 6px 8px; max-width: calc(100% - 16px - var(--controls)); }
  .notice[data-status="interrupted"] :is(strong, p) { font-size: 12px; }
}
@media (prefers-reduced-motion: reduce) {
  .card, .word, .pulse { animation: none; }
}
`;
