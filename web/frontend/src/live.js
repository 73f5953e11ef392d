/* Live updates of a page. Contract with the server:
 *
 *   <body data-live="/live?…" data-poll="/live/poll?…">
 *
 * GET data-live   text/event-stream. Events, each with an `id:`
 *     event: changed   data: {"kind": "ticket", "id": "…"}     something that a region may show
 *     event: reading   data: {"asset": "…"}                    new stored readings of an asset
 *   503, 204 or any answer that is no stream: no place is free; the page polls instead and tries
 *   the stream again every two minutes. After a pause the page sends ?last_event_id=.
 * GET data-poll   ?since=<cursor>  →  {"cursor": "…", "events": [{"event": "changed", "kind": …, "id": …},
 *   {"event": "reading", "asset": …}]}; the first call has no `since` and may return no events.
 *   Without data-poll every region is simply fetched again.
 *
 *   <div id="queue" data-live-refresh="ticket,alarm">   fetched again when one of the kinds changes
 *   [data-live-id="ticket:…"]                           a row that stands for one changed thing
 *   [data-live-status]                                  where the state is said in words
 *
 * In the page, each reading is a DOM event `mw:reading` on the document (detail = data).
 */
import { noteChange, refreshAll, startRegions } from './live/regions.js';
import { showState } from './live/status.js';
import { Stream } from './live/stream.js';

function onEvent(name, detail) {
  if (name === 'changed') noteChange(detail);
  if (name === 'reading') document.dispatchEvent(new CustomEvent('mw:reading', { detail }));
  if (name === 'stale') {
    refreshAll();
    document.dispatchEvent(new CustomEvent('mw:reading', { detail: {} }));
  }
}

export function startLive() {
  const { live, poll } = document.body.dataset;
  if (!live && !poll) return;
  startRegions();
  const stream = new Stream({ url: live, pollUrl: poll, onEvent, onState: showState });
  const follow = () => (document.hidden ? stream.pause() : stream.resume());
  document.addEventListener('visibilitychange', follow);
  // A page kept for "back" must not hold one of the browser's six connections.
  window.addEventListener('pagehide', () => stream.pause());
  window.addEventListener('pageshow', follow);
  follow();
}
