/** Everything that touches weights or reasons about tokens. What is not listed here is internal. */
export { unless } from './abort.ts';
export { adapterFacts, allFinite, type AdapterFacts } from './adapter.ts';
export { EMBEDDED_FAMILY } from './embedded.ts';
export { EngineError, tokensOf } from './engine.ts';
export type {
  ChooseRequest,
  Engine,
  EngineErrorCode,
  ModelFacts,
  ReadRequest,
  ScoreRequest,
  Token,
  WriteRequest,
  Written,
} from './engine.ts';
export { startEngine, type EngineHost, type EngineState } from './engine/host.ts';
export { startSharedEngine, type Sharing } from './engine/shared.ts';
export { sharedPrefix } from './engine/slots.ts';
export {
  backboneSpec,
  draftSpec,
  vocabularySpec,
  type EngineResources,
  type EngineSpec,
  type NamedWeights,
} from './engine/spec.ts';
export { loadFamily, ManifestSchema, type Family, type FamilyManifest } from './family.ts';
export { fimPrompt, fitParts, type FimParts, type FimTokens } from './fim.ts';
export {
  GgufError,
  MAX_HEADER_BYTES,
  parseGguf,
  type Gguf,
  type GgufTensor,
  type GgufValue,
} from './gguf.ts';
export { kvBytesPerToken } from './kv.ts';
export { endsLine, firstLine } from './line.ts';
export { tryLock, unlock } from './lock.ts';
export { LONGEST_MATCH, lookUp, type Match } from './lookup.ts';
export { frontOf, roomForOthers, type Front, type OtherText } from './others.ts';
export {
  COMPLETION_LIMIT,
  continuationOf,
  heal,
  layOut,
  partsAt,
  promptFor,
  reachOf,
  type Place,
  type Prompt,
  type PromptParts,
} from './prompt.ts';
export { MAX_TEMPERATURE, MIN_TEMPERATURE, type Sampling } from './sampling.ts';
export { judge, speculate, upToEnd } from './speculation.ts';
export type { Commit, Judgement, Plan, Speculation, VerdictPart } from './speculation.ts';
export { differingTables, fingerprintOf, tokensOf as vocabularyOf } from './tokenizer.ts';
export { vocabularyFamily, VOCABULARY_FILE, type Vocabulary } from './vocabulary.ts';
export { toLineFeeds, wholeCharacter, windowAt, type WindowSize } from './window.ts';
