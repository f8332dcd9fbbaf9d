import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Chat } from "./chat";
import "./style.css";

const app = document.querySelector("#app");
if (app)
  createRoot(app).render(
    <StrictMode>
      <Chat />
    </StrictMode>,
  );
