import { RouterProvider } from "@tanstack/react-router";
import { StrictMode, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { router } from "./router";
import { session } from "./session/session";
import "./styles/tokens.css";
import "./styles/base.css";
import { language, loadLanguage, subscribe } from "./texts";

/** Draws everything again when the language changes: what a page shows is in its URL. */
function App() {
  return <RouterProvider key={useSyncExternalStore(subscribe, language)} router={router} />;
}

const place = document.getElementById("root");
if (!place) throw new Error("the page has no place for the console");
await Promise.all([loadLanguage(), session.restore()]);
// Whoever is signed out is led to the sign-in page by the routes' check.
session.subscribe(() => void router.invalidate());
createRoot(place).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
