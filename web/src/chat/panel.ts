// The panel at the right: the sampling settings, or the details of one answer.
import { createSignal } from "solid-js";

type Panel = { kind: "sampling" } | { kind: "details"; message: string } | undefined;
export const [panel, setPanel] = createSignal<Panel>();
export const toggleSampling = () => setPanel((old) => (old?.kind === "sampling" ? undefined : { kind: "sampling" }));
export const toggleDetails = (message: string) =>
  setPanel((old) => (old?.kind === "details" && old.message === message ? undefined : { kind: "details", message }));
