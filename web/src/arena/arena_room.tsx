// Two unnamed answers and a vote; and what all votes come to.
import "./arena.css";
import { createEffect, Show } from "solid-js";
import { address, route } from "../state/route";
import { BattleView } from "./battle";
import { Leaderboard } from "./leaderboard";
import { a } from "./words";

export default function ArenaRoom() {
  const board = () => route().id === "leaderboard";
  createEffect(() => (document.title = `${a(board() ? "leaderboard" : "title")} · Shenbi`));
  return (
    <main class="room page arena" aria-label={a("title")}>
      <header class="page-head arena-head">
        <h1>{a(board() ? "leaderboard" : "title")}</h1>
        <nav class="arena-tabs" aria-label={a("title")}>
          <a class="button" href={address("arena")} aria-current={board() ? undefined : "page"}>{a("title")}</a>
          <a class="button" href={address("arena", "leaderboard")} aria-current={board() ? "page" : undefined}>{a("leaderboard")}</a>
        </nav>
      </header>
      <Show when={board()} fallback={<BattleView />}>
        <Leaderboard />
      </Show>
    </main>
  );
}
