import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ResumeTokens } from "./resume.ts";

function tokens(limit?: number): ResumeTokens {
  let seed = 0;
  return new ResumeTokens({
    random: (bytes) => Uint8Array.from({ length: bytes }, (_, i) => (seed += i + 1)),
    digest: (token) => createHash("sha256").update(token).digest("hex"),
    windowMs: 60_000,
    ...(limit === undefined ? {} : { limit }),
  });
}

describe("resume tokens", () => {
  it("open their session once", () => {
    const all = tokens();
    const token = all.issue("ses_a");
    expect(all.take(token, 0)).toBe("ses_a");
    expect(all.take(token, 0)).toMatchObject({ fault: "resume-expired" });
  });

  it("do not age while the connection is up, and end 60 s after it was lost", () => {
    const all = tokens();
    const [early, late] = [all.issue("ses_a"), all.issue("ses_b")];
    all.away("ses_a", 3_600_000);
    all.away("ses_b", 3_600_000);
    expect(all.take(early, 3_660_000)).toBe("ses_a");
    expect(all.take(late, 3_660_001)).toMatchObject({ fault: "resume-expired" });
  });

  it("are replaced by the next one of the same session", () => {
    const all = tokens();
    const old = all.issue("ses_a");
    const next = all.issue("ses_a");
    expect(next).not.toBe(old);
    expect(all.take(old, 0)).toMatchObject({ fault: "resume-expired" });
    expect(all.take(next, 0)).toBe("ses_a");
    expect(all.size).toBe(0);
  });

  it("answer the same to expired, used, revoked and invented ones", () => {
    const all = tokens();
    const revoked = all.issue("ses_a");
    all.revoke("ses_a");
    const used = all.issue("ses_b");
    all.take(used, 0);
    expect(all.take(revoked, 0)).toEqual(all.take("invented", 0));
    expect(all.take(used, 0)).toEqual(all.take("", 0));
  });

  it("name the sessions nobody can come back to any more, once", () => {
    const all = tokens();
    all.issue("ses_a");
    all.issue("ses_b");
    all.away("ses_a", 0);
    expect(all.expire(60_000)).toEqual([]);
    expect(all.expire(60_001)).toEqual(["ses_a"]);
    expect(all.expire(90_000)).toEqual([]);
    expect(all.size).toBe(1);
  });

  it("never are more than the limit", () => {
    const all = tokens(3);
    const first = all.issue("ses_0");
    for (let i = 1; i < 10; i++) all.issue(`ses_${i}`);
    expect(all.size).toBe(3);
    expect(all.take(first, 0)).toMatchObject({ fault: "resume-expired" });
  });
});
