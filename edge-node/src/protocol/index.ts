/** What an edge node says and understands: all that a client of it may import. */
export { identityOf, incompatibility, type Identity } from './compatibility.ts';
export { namedProject, normaliseRemote, projectId } from './project.ts';
export { applyDelta, contextDelta, type ContextDelta } from './context.ts';
export {
  isUsageReport,
  SKETCH_ERROR,
  SKETCH_RANGE,
  USAGE_AGES,
  USAGE_LANGUAGES,
  USAGE_PATHS,
  UsageReportSchema,
  type UsageDay,
  type UsageLanguage,
  type UsagePath,
  type UsageReport,
  type UsageRow,
} from './usage.ts';
export {
  CLOSE,
  decodeClientFrame,
  decodeNodeFrame,
  encodeClientFrame,
  encodeNodeFrame,
  MAX_ASKED,
  MAX_DRAFT_LENGTH,
  MAX_FRAME_BYTES,
  MAX_LEADING,
  MAX_MORE,
  WIRE_VERSION,
  type FailureCode,
} from './frames.ts';
export type {
  Ask as AskFrame,
  Assigned as AssignedFrame,
  Sync as SyncFrame,
  Verdict as VerdictFrame,
  Verify as VerifyFrame,
  Welcome as WelcomeFrame,
  Written as WrittenFrame,
} from './wire_pb.ts';

/** Where the WebSocket is, below the node's base URL. */
export const WIRE_PATH = '/v1/wire';
