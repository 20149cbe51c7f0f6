import type { FastifyInstance } from 'fastify';
import type { TObject, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { Refusal } from './answers.ts';

/**
 * Checks requests with TypeBox, and writes answers as they are: they are made to their schemas by type. What Fastify would
 * compile for each route takes longer than all else at the start of a node.
 */
export function checkWithTypeBox(app: FastifyInstance): void {
  app.setValidatorCompiler<TSchema>(({ schema, httpPart = 'body' }) => {
    return (asked: unknown) => {
      // In a path and in a query, everything is text.
      const read = httpPart === 'body' ? asked : withNumbers(schema as TObject, asked as object);
      const value = Value.Default(schema, read);
      if (Value.Check(schema, value)) return { value };
      const [first] = Value.Errors(schema, value);
      const where = httpPart + (first?.instancePath ?? '').replaceAll('/', '.');
      const message = `The request is wrong: ${where} ${first?.message ?? 'is none'}.`;
      return { error: new Refusal(400, 'invalid-request', message) };
    };
  });
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
}

function withNumbers({ properties }: TObject, texts: object): object {
  const read = ([key, text]: [string, unknown]) => {
    const { type } = (properties[key] ?? {}) as { type?: string };
    const isNumber = type === 'integer' && typeof text === 'string' && /^\d{1,15}$/.test(text);
    return [key, isNumber ? Number(text) : text];
  };
  return Object.fromEntries(Object.entries(texts).map(read)) as object;
}
