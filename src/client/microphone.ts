import { VoiceError } from "../base/errors.ts";

/** What a browser should do to a voice before it is sent. */
const defaults: MediaTrackConstraints = {
  echoCancellation: { ideal: true },
  noiseSuppression: { ideal: true },
  autoGainControl: { ideal: true },
  channelCount: { ideal: 1 },
};

/**
 * Asks for the microphone. Throws VoiceError `insecure-context`, `mic-denied`, `mic-not-found`, `mic-busy` or
 * `mic-constraints`; constraints that no device fulfils are dropped once before that.
 */
export async function openMicrophone(constraints: MediaTrackConstraints = {}): Promise<MediaStream> {
  // Browsers hide `mediaDevices` on pages that are neither HTTPS nor localhost; its type does not say so.
  const media: MediaDevices | undefined = navigator.mediaDevices;
  if (media === undefined)
    throw new VoiceError("insecure-context", "this page may not use a microphone: it was not loaded securely");
  try {
    return await media.getUserMedia({ audio: { ...defaults, ...constraints } });
  } catch (error) {
    const failure = toMicError(error);
    if (failure.code !== "mic-constraints") throw failure;
    return await media.getUserMedia({ audio: true }).catch((again: unknown) => {
      throw toMicError(again);
    });
  }
}

/** The microphones to choose from; empty until one was allowed, since browsers keep their names back before. */
export async function listMicrophones(): Promise<readonly { readonly deviceId: string; readonly label: string }[]> {
  const media: MediaDevices | undefined = navigator.mediaDevices;
  if (media === undefined) return [];
  const devices = await media.enumerateDevices().catch(() => []);
  return devices
    .filter(({ kind, label }) => kind === "audioinput" && label !== "")
    .map(({ deviceId, label }) => ({ deviceId, label }));
}

/** What getUserMedia rejects with, by the names the Media Capture specification gives. */
export function toMicError(error: unknown): VoiceError {
  const name = error instanceof Error ? error.name : "";
  const cause = { cause: error };
  switch (name) {
    case "NotAllowedError":
      return new VoiceError("mic-denied", "the microphone was not allowed", cause);
    case "SecurityError":
      return new VoiceError("mic-denied", "the page's permissions policy forbids the microphone", cause);
    case "NotFoundError":
      return new VoiceError("mic-not-found", "no microphone was found", cause);
    case "NotReadableError":
    case "AbortError":
      return new VoiceError("mic-busy", "the microphone could not be opened: another program may be using it", cause);
    case "OverconstrainedError":
      return new VoiceError("mic-constraints", "no microphone fulfils the constraints", cause);
    default:
      return new VoiceError(
        "mic-not-found",
        `the microphone could not be opened: ${error instanceof Error ? error.message : String(error)}`,
        cause,
      );
  }
}
