import { lazy } from "solid-js";
import { IconArena } from "../ui/icons";
import type { Room } from "./room";

export const room: Room = {
  id: "arena",
  name: "room.arena",
  order: 30,
  icon: IconArena,
  view: lazy(() => import("../arena/arena_room")),
};
