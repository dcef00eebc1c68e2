import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFault } from "../base/errors.ts";
import { readOffer, withAddresses, withoutCandidates } from "./sdp.ts";

const print = `sha-256 ${Array.from({ length: 32 }, () => "AB").join(":")}`;
const transport = ["a=ice-ufrag:abcd", `a=ice-pwd:${"p".repeat(24)}`, `a=fingerprint:${print}`, "a=setup:actpass"];
const head = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"];
const audio = [
  "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
  "c=IN IP4 0.0.0.0",
  ...transport,
  "a=mid:0",
  "a=sendrecv",
  "a=rtpmap:111 opus/48000/2",
];
const channel = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", ...transport, "a=mid:1", "a=sctp-port:5000"];
const video = ["m=video 9 UDP/TLS/RTP/SAVPF 96", ...transport, "a=mid:2", "a=rtpmap:96 VP8/90000"];
const sdp = (...lines: readonly string[]): string => `${lines.join("\r\n")}\r\n`;
const offer = sdp(...head, ...audio, ...channel);

describe("an offer", () => {
  it("is read with its sections and directions", () => {
    expect(readOffer(offer)).toEqual({ audio: "sendrecv", video: false, channel: true, fragment: "abcd" });
    expect(readOffer(sdp(...head, ...audio, ...video).replace("a=sendrecv", "a=recvonly"))).toMatchObject({
      audio: "recvonly",
      video: true,
    });
    expect(readOffer(sdp(...head, ...channel))).toMatchObject({ audio: undefined, channel: true });
  });

  it("may end its lines with a bare line feed and have its transport on the session", () => {
    const plain = (lines: readonly string[]): string[] => lines.filter((line) => !transport.includes(line));
    expect(isFault(readOffer([...head, ...transport, ...plain(audio)].join("\n")))).toBe(false);
  });

  it("may leave out the transport of later bundled sections", () => {
    const plain = channel.filter((line) => !transport.includes(line));
    expect(isFault(readOffer(sdp(...head, ...audio, ...plain)))).toBe(false);
  });

  it.each([
    ["text that is no description", "hello"],
    ["an empty text", ""],
    ["a NUL", `${offer}\0`],
    ["no media", sdp(...head)],
    ["an unknown kind of media", offer.replace("m=audio", "m=image")],
    ["a kind named like a member of every object", offer.replace("m=audio", "m=constructor")],
    ["plain RTP", offer.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP")],
    ["a payload type above 127", offer.replace(" 111 0", " 300")],
    ["a payload type twice", offer.replace(" 111 0", " 111 111")],
    ["two sections of one mid", offer.replace("a=mid:1", "a=mid:0")],
    ["a short ufrag", offer.replaceAll("ufrag:abcd", "ufrag:ab")],
    ["a ufrag with strange characters", offer.replaceAll("ufrag:abcd", "ufrag:ab<>")],
    ["a short password", offer.replaceAll("p".repeat(24), "pp")],
    ["no fingerprint", offer.replaceAll(/a=fingerprint.*\r\n/g, "")],
    ["a short fingerprint", offer.replaceAll(print, "sha-256 AB:CD")],
    ["an unknown hash", offer.replaceAll("sha-256", "md5")],
    ["no setup", offer.replaceAll("a=setup:actpass\r\n", "")],
    ["two setups", offer.replace("a=mid:0", "a=setup:active")],
    ["a port out of range", offer.replace("m=audio 9 ", "m=audio 99999 ")],
    [
      "only rejected sections",
      offer.replace("m=audio 9 ", "m=audio 0 ").replace("m=application 9 ", "m=application 0 "),
    ],
    ["a very long line", offer.replace("a=mid:0", `a=mid:0\r\na=x:${"y".repeat(3000)}`)],
    ["very many lines", offer + "a=x\r\n".repeat(1001)],
    [
      "five sections",
      sdp(...head, ...audio, ...[3, 4, 5, 6].flatMap((mid) => video.map((l) => l.replace("mid:2", `mid:${mid}`)))),
    ],
  ])("is refused with %s", (_, text) => {
    expect(readOffer(text)).toMatchObject({ fault: "bad-offer" });
  });

  it("is refused by size and by codec with their own codes", () => {
    expect(readOffer("v=0\r\n".padEnd(70_000, "a"))).toMatchObject({ fault: "too-large" });
    expect(readOffer(offer.replace("opus/48000/2", "PCMU/8000"))).toMatchObject({ fault: "unsupported" });
  });

  it("never makes the reader throw, whatever is done to it", () => {
    fc.assert(fc.property(fc.string({ maxLength: 500 }), (text) => void readOffer(text)));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(offer.length), fc.nat(20), fc.string({ maxLength: 8 })), { maxLength: 8 }),
        (edits) => {
          let text = offer;
          for (const [at, cut, added] of edits) text = text.slice(0, at) + added + text.slice(at + cut);
          void readOffer(text);
        },
      ),
    );
  });
});

describe("candidates in a description", () => {
  const line = "a=candidate:1 1 udp 2116026367 192.0.2.2 52610 typ host generation 0 ufrag 129e\r\n";

  it("are taken out, all of them", () => {
    expect(withoutCandidates(`${offer}${line}a=end-of-candidates\r\n`)).toBe(offer);
  });

  it("are repeated under more addresses on the same port, each once", () => {
    const more = withAddresses(offer + line, ["127.0.0.1", "203.0.113.9", "192.0.2.2"]);
    expect(more).toContain("a=candidate:10 1 udp 2116026366 127.0.0.1 52610 typ host\r\n");
    expect(more).toContain("a=candidate:11 1 udp 2116026365 203.0.113.9 52610 typ host\r\n");
    expect(more.match(/192\.0\.2\.2/g)).toHaveLength(1);
  });
});
