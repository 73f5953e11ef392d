/* One stream of events, or polling where none is to be had. Knows nothing of pages. */

const POLL_MS = 15_000;
const BEFORE_POLL_MS = 800;
const RETRY_STREAM_MS = 120_000;
const KINDS = ['changed', 'reading'];

function withQuery(url, name, value) {
  if (!value) return url;
  const address = new URL(url, location.href);
  address.searchParams.set(name, value);
  return address.href;
}

export class Stream {
  #source = null;
  #timer = null;
  #running = false;
  #lastId = '';
  #cursor = '';
  #fellBackAt = -Infinity;
  #wasPaused = false;

  /** States told to `onState`: live, connecting, paused, polling, lost, signed-out. */
  constructor({ url, pollUrl, onEvent, onState }) {
    Object.assign(this, { url, pollUrl, onEvent, onState });
  }

  resume() {
    if (this.#running) return;
    this.#running = true;
    if (this.#wasPaused) this.onEvent('stale', {});
    this.#connect();
  }

  pause() {
    this.#running = false;
    this.#wasPaused = true;
    this.#close();
    this.onState('paused');
  }

  #close() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#timer);
  }

  #connect() {
    if (!this.url) {
      this.#poll();
      return;
    }
    this.onState('connecting');
    const source = new EventSource(withQuery(this.url, 'last_event_id', this.#lastId));
    source.addEventListener('open', () => this.onState('live'));
    source.addEventListener('error', () => this.#onError(source));
    KINDS.forEach((kind) => source.addEventListener(kind, (event) => this.#receive(kind, event)));
    this.#source = source;
  }

  #receive(kind, event) {
    this.#lastId = event.lastEventId || this.#lastId;
    this.onEvent(kind, JSON.parse(event.data || '{}'));
  }

  #onError(source) {
    if (source !== this.#source) return;
    // CONNECTING: the browser retries by itself. CLOSED: the server gave an answer that is final.
    if (source.readyState !== EventSource.CLOSED) {
      this.onState('connecting');
      return;
    }
    this.#close();
    this.#fellBackAt = performance.now();
    // A page that is being left sees the same error; it must not ask once more.
    this.#timer = setTimeout(() => this.#poll(), BEFORE_POLL_MS);
  }

  async #poll() {
    const state = await this.#askForChanges();
    if (!this.#running) return;
    this.onState(state);
    if (state === 'signed-out') return;
    const retryStream = this.url && performance.now() - this.#fellBackAt > RETRY_STREAM_MS;
    this.#timer = setTimeout(() => (retryStream ? this.#connect() : this.#poll()), POLL_MS);
  }

  async #askForChanges() {
    if (!this.pollUrl) {
      this.onEvent('stale', {});
      return 'polling';
    }
    try {
      const headers = { Accept: 'application/json' };
      const answer = await fetch(withQuery(this.pollUrl, 'since', this.#cursor), { headers });
      if (answer.status === 401 || answer.redirected) return 'signed-out';
      if (!answer.ok) return 'lost';
      if (answer.status !== 204) this.#deliver(await answer.json());
      return 'polling';
    } catch {
      return 'lost';
    }
  }

  #deliver({ cursor, events = [] }) {
    this.#cursor = cursor ?? this.#cursor;
    events.forEach(({ event, ...detail }) => this.onEvent(event, detail));
  }
}
