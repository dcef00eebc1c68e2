import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createVoiceClient } from "../../../../src/client/index.ts";
import { App } from "./app.tsx";
import { followTheme } from "./theme.ts";
import { VoiceContext } from "./voice.ts";
import "./style/tokens.css";
import "./style/controls.css";
import "./style/start.css";
import "./style/session.css";
import "./style/transcript.css";
import "./style/latency.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element with the id root");

followTheme();
// One client for the life of the page, outside the tree: React may draw twice, a call must not.
const client = createVoiceClient();
createRoot(root).render(
  <StrictMode>
    <VoiceContext value={client}>
      <App />
    </VoiceContext>
  </StrictMode>,
);
