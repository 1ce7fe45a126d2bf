/** What has come of a stream so far. */
export interface Listening {
  readonly response: Response;
  readonly text: () => string;
  /** What was said, in order: the ids of messages, and how many are unread. */
  readonly said: () => readonly (string | number)[];
  /** Resolves when the server ends it. */
  readonly ended: Promise<void>;
  close(): void;
}

/** Opens a stream of events. */
export async function listenTo(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Listening> {
  const hanging = new AbortController();
  const response = await fetch(url, {
    headers: { Accept: 'text/event-stream', ...headers },
    signal: hanging.signal,
  });
  const decoder = new TextDecoder();
  let heard = '';
  const read = async (): Promise<void> => {
    for await (const chunk of response.body ?? []) {
      heard += decoder.decode(chunk, { stream: true });
    }
  };
  return {
    response,
    text: () => heard,
    said: () => saidIn(heard),
    ended: read().catch(() => undefined),
    close: () => hanging.abort(),
  };
}

/** Of whole events only: the last one may still be on its way. */
export const saidIn = (heard: string): (string | number)[] =>
  heard
    .split('\n\n')
    .slice(0, -1)
    .flatMap((event) => /^data: (.*)$/m.exec(event)?.[1] ?? [])
    .map((data) => JSON.parse(data))
    .map(({ id, unread_count }) => id ?? unread_count);
