/** One person's line to the server: calls, live feeds, the server's clock, and tokens that are renewed on the way. */

import { Api } from "/web/api.js";
import { ServerClock } from "/web/clock.js";
import { REAUTHENTICATE, SIGN_OUT } from "/web/documents.js";
import { Socket } from "/web/socket.js";

export class Line {
  clock = new ServerClock();
  isOnline = false;

  /** `changed(state)` is told how the line is. */
  constructor(session, changed) {
    this.session = session;
    this.api = new Api(session);
    this.call = (query, variables) => this.api.call(query, variables);
    this.socket = new Socket(session, (state) => {
      this.isOnline = state === "live" || state === "catching-up";
      changed(state);
    });
  }

  /** Go live with these feeds. */
  open(...feeds) {
    feeds.forEach((feed) => this.socket.add(feed));
    this.session.renewed = (accessToken) => this.#reauthenticate(accessToken);
    this.socket.open();
  }

  /** Stop everything. */
  close() {
    this.socket.close();
  }

  /** End the session on the server, as far as it can be reached. */
  async signOut() {
    this.close();
    await this.api.call(SIGN_OUT, { input: {} }).catch(() => {});
    this.session.forget();
  }

  /** A new token goes to the open socket, so that its feeds live on; a socket that will not have it is opened anew. */
  async #reauthenticate(accessToken) {
    try {
      const { data } = await this.socket.run(REAUTHENTICATE, { accessToken });
      if (!data?.reauthenticate.ok) this.socket.reopen();
    } catch {
      // The line is down already; it comes back under the new token.
    }
  }
}
