// A piece of text around a match, which the server puts between the control characters 2 and 3.
import { For } from "solid-js";

export const Snippet = (props: { text: string }) => (
  <span class="snippet" dir="auto">
    <For each={props.text.split("\u0002")}>
      {(piece) => {
        const [match, rest] = piece.includes("\u0003") ? (piece.split("\u0003", 2) as [string, string]) : ["", piece];
        return (
          <>
            {match && <mark>{match}</mark>}
            {rest}
          </>
        );
      }}
    </For>
  </span>
);
