import { lazy } from "solid-js";
import { IconCompare } from "../ui/icons";
import type { Room } from "./room";

export const room: Room = {
  id: "compare",
  name: "room.compare",
  order: 20,
  icon: IconCompare,
  view: lazy(() => import("../compare/compare_room")),
};
