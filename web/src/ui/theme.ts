// Light, dark, or what the system says: the style sheet reads the attribute, the browser's own parts read color-scheme.
import { createEffect, createRoot } from "solid-js";
import { theme } from "../state/preferences";

createRoot(() => createEffect(() => (document.documentElement.dataset.theme = theme())));
