// Markdown on the page: paints what it is given, as often as it is given.
import "./prose.css";
import { createEffect, onCleanup } from "solid-js";
import { Painter } from "./painter";

export default function Prose(props: { text: string; finished: boolean }) {
  let host!: HTMLDivElement;
  createEffect(() => {
    const painter = new Painter(host);
    createEffect(() => painter.paint(props.text, props.finished));
    onCleanup(() => painter.clear());
  });
  return <div class="prose" ref={host} />;
}
