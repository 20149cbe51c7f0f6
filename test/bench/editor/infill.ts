import { eventsOf } from '../peer/client.ts';
import type { Infill } from './clients.ts';

interface Answer {
  readonly content?: string;
}

/** Asks the llama-server at `url`; `asked` is told of each request. @throws Error with what it says where it refuses. */
export function infillAt(url: string, asked: () => void): Infill {
  const post = async (body: object, signal: AbortSignal | undefined) => {
    asked();
    const answer = await fetch(`${url}/infill`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });
    if (answer.ok) return answer;
    throw new Error(`llama-server refused with status ${answer.status}: ${await answer.text()}`);
  };
  return {
    whole: async (body, signal) => {
      const answer = (await (await post(body, signal)).json()) as Answer | readonly Answer[];
      return [answer].flat().map(({ content = '' }) => content);
    },
    async *streamed(body, signal) {
      const left = new AbortController();
      const { body: bytes } = await post(body, AbortSignal.any([signal, left.signal]));
      try {
        for await (const event of eventsOf(bytes!.pipeThrough(new TextDecoderStream()))) {
          const { content = '' } = JSON.parse(event) as Answer;
          if (content !== '') yield content;
        }
      } finally {
        left.abort();
      }
    },
  };
}
