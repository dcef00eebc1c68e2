import type { VoiceError } from "../../../../../src/client/index.ts";
import { problemOf } from "../problems.ts";

/** An error in plain words, with the way out where there is one. */
export function ProblemNotice({ error, onType }: { readonly error: VoiceError; readonly onType?: () => void }) {
  const problem = problemOf(error);
  return (
    <div className="notice bad" role="alert">
      <strong>{problem.title}</strong>
      <p>{problem.text}</p>
      {problem.typing && onType !== undefined && (
        <button type="button" className="button small" onClick={onType}>
          Continue with text only
        </button>
      )}
      <code>{error.code}</code>
    </div>
  );
}
