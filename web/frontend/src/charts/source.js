/* Asking the server for what a chart block shows; one request at a time, the newest wins. */

export class Refused extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }
}

export class Source {
  #controller = null;

  constructor(url, groups) {
    this.url = url;
    this.groups = groups;
  }

  /** `query`: {range} or {from, to}, and optionally {since, points}. Raises Refused or TypeError. */
  async ask(query) {
    this.#controller?.abort();
    const controller = new AbortController();
    this.#controller = controller;
    try {
      return await this.#fetch(query, controller.signal);
    } finally {
      if (this.#controller === controller) this.#controller = null;
    }
  }

  async #fetch(query, signal) {
    const address = new URL(this.url, location.href);
    if (this.groups) address.searchParams.set('groups', this.groups);
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined) address.searchParams.set(name, value);
    }
    const headers = { Accept: 'application/json' };
    const answer = await fetch(address, { headers, signal });
    if (answer.redirected) throw new Refused(401);
    if (!answer.ok) throw new Refused(answer.status);
    return answer.json();
  }

  get isBusy() {
    return this.#controller !== null;
  }

  stop() {
    this.#controller?.abort();
  }
}
