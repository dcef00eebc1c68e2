/*
 * What the first bytes of an Opus packet tell without decoding it, RFC 6716 section 3.
 *
 *   TOC:  config (5 bits: mode, bandwidth, frame length) | stereo (1) | code (2: how many frames)
 */

/** Frame length in samples at 48 kHz per config 0–31. */
const SILK = [480, 960, 1920, 2880] as const;
const HYBRID = [480, 960] as const;
const CELT = [120, 240, 480, 960] as const;

/** The longest packet there may be: 120 ms. */
const LONGEST = 5760;

/** Length of a packet in samples at 48 kHz, 120 to 5760; 0 when it is no Opus packet. */
export function samplesOf(packet: Uint8Array): number {
  const toc = packet[0];
  if (toc === undefined) return 0;
  const code = toc & 3;
  const frames = code === 0 ? 1 : code === 3 ? (packet[1] ?? 0) & 63 : 2;
  const samples = frames * frameOf(toc >> 3);
  return samples > LONGEST ? 0 : samples;
}

/**
 * Whether the packet carries a copy of the one before it (in-band FEC). In SILK and hybrid packets the first bits of a
 * frame are one voice flag per 20 ms, then the flag for the copy; CELT has none.
 */
export function hasCopy(packet: Uint8Array): boolean {
  const toc = packet[0];
  const first = packet[1];
  if (toc === undefined || first === undefined || toc >> 3 >= 16 || (toc & 3) !== 0) return false;
  const flags = Math.max(1, frameOf(toc >> 3) / 960);
  return ((first >> (7 - flags)) & 1) === 1;
}

/** Whether the packet says "silence, and nothing more until I speak again". */
export function isSilenceMark(packet: Uint8Array): boolean {
  return packet.length <= 2;
}

function frameOf(config: number): number {
  if (config < 12) return SILK[(config & 3) as 0 | 1 | 2 | 3];
  if (config < 16) return HYBRID[(config & 1) as 0 | 1];
  return CELT[(config & 3) as 0 | 1 | 2 | 3];
}
