const paths = {
  mic: "M12 15a3.5 3.5 0 0 0 3.5-3.5v-5a3.5 3.5 0 1 0-7 0v5A3.5 3.5 0 0 0 12 15Zm-6.5-4a6.5 6.5 0 0 0 13 0M12 17.5V21",
  "mic-off":
    "M8.5 8.5v3a3.5 3.5 0 0 0 5.6 2.8M15.5 10.5v-4a3.5 3.5 0 0 0-6.6-1.6M5.5 11a6.5 6.5 0 0 0 10.3 5.3M18.5 11a6.4 6.4 0 0 1-.5 2.5M12 17.5V21M4 4l16 16",
  end: "M3.5 14.5c-.8-1.8 0-3.4 1.6-4.3C7.2 9 9.5 8.5 12 8.5s4.8.5 6.9 1.7c1.6.9 2.4 2.5 1.6 4.3l-.6 1.4-4-1.3V12.3a12.5 12.5 0 0 0-7.8 0v2.3l-4 1.3Z",
  send: "M4.5 12 20 4.5 14.5 20l-3-6.5Zm7 1.5L20 4.5",
  chart: "M4 20h16M6.5 16.5v-4M11 16.5v-9M15.5 16.5v-6M20 16.5v-12",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Zm0-5v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
  system: "M4 5h16v11H4ZM9 20h6M12 16v4",
  tool: "M14.5 6.5a4 4 0 0 1 5-1.2L16.8 8l.4 2.4 2.4.4 1.1-1.1M14.5 6.5a4 4 0 0 0 .3 5.6L7.5 19.4a2 2 0 0 1-2.9-2.9l7.3-7.3",
  handoff: "M4 8h12m0 0-3.5-3.5M16 8l-3.5 3.5M20 16H8m0 0 3.5-3.5M8 16l3.5 3.5",
  down: "M12 5v14m0 0-6-6m6 6 6-6",
  check: "m5 12.5 4.5 4.5L19 7.5",
  cross: "m6 6 12 12M18 6 6 18",
} as const;

export type IconName = keyof typeof paths;

/** A line drawing in the colour of the text; what it means stands beside it or in the button's label. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
