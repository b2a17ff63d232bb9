/** GraphQL over HTTP, for phones in basements: what cannot be reached is told apart from what was refused (R254). */

const PATIENCE_MS = 15_000;
const PAUSES_MS = [300, 900, 2_000];

/** The server could not be reached, or is not ready; the same request may succeed later. */
export class Unreachable extends Error {}

/** The credential does not hold any more. */
export class SignedOut extends Error {}

/** A GraphQL error: the request itself was refused. */
export class Failure extends Error {
  constructor({ message, extensions }) {
    super(message);
    this.code = extensions?.code ?? "UNKNOWN";
  }
}

/** Send one operation and return its `data`. */
export async function post(query, variables, token) {
  const response = await reach({ query, variables }, token);
  const answer = await response.json().catch(() => null);
  if (answer === null || response.status >= 500) throw new Unreachable("The server is not ready.");
  const [error] = answer.errors ?? [];
  if (error?.extensions?.code === "UNAUTHENTICATED") throw new SignedOut(error.message);
  if (error) throw new Failure(error);
  return answer.data;
}

async function reach(body, token) {
  const headers = { "content-type": "application/json", accept: "application/graphql-response+json" };
  if (token) headers.authorization = `Bearer ${token}`;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await fetch("/graphql", { method: "POST", headers, body: JSON.stringify(body), signal });
  } catch (error) {
    throw new Unreachable("The server cannot be reached.", { cause: error });
  }
}

/** Calls in the name of a session: renews its token when it must, and repeats what did not get through. */
export class Api {
  constructor(session) {
    this.session = session;
  }

  /** Send one operation. Mutations carry a clientMutationId, so that repeating them does nothing twice. */
  async call(query, variables) {
    for (const pause of [...PAUSES_MS, null]) {
      try {
        return await this.#once(query, variables);
      } catch (error) {
        if (!(error instanceof Unreachable) || pause === null) throw error;
        await new Promise((resume) => setTimeout(resume, pause));
      }
    }
    return undefined;
  }

  async #once(query, variables) {
    try {
      return await post(query, variables, await this.session.token());
    } catch (error) {
      if (!(error instanceof SignedOut)) throw error;
      await this.session.renew();
      return post(query, variables, await this.session.token());
    }
  }
}

/** A key for `clientMutationId`. (randomUUID is missing on a phone that reaches a demo by plain http.) */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
